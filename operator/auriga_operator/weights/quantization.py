"""Quantizations as llama.cpp's quantizer and the hub's uploaders name them. Pure."""

from __future__ import annotations

import re

_LABEL = re.compile(
    r"(?<![A-Z0-9])(UD-)?((?:I?Q|TQ)\d(?:_(?:\d|K|XXS|XS|S|M|L|XL|NL|P))*|(?:BF|FP?)(?:16|32)|MXFP4(?:_MOE)?|NVFP4)"
    r"(?![A-Z0-9])"
)

# Q4_K_M is what most people run: about 4.9 bits a weight, close to the original. After it come its neighbours, the
# better before the smaller, and last what is too big or too coarse to be anybody's default.
_PREFERENCE = (
    *("Q4_K_M", "UD-Q4_K_XL", "Q4_K_XL", "Q4_K_L", "Q4_K_P", "Q4_K_S", "MXFP4", "MXFP4_MOE", "NVFP4"),
    *("IQ4_NL", "IQ4_XS", "Q4_1", "Q4_0"),
    *("Q5_K_M", "UD-Q5_K_XL", "Q5_K_XL", "Q5_K_L", "Q5_K_S", "Q5_1", "Q5_0", "Q6_K", "UD-Q6_K_XL", "Q6_K_XL", "Q6_K_L"),
    *(
        "UD-Q3_K_XL",
        "Q3_K_XL",
        "Q3_K_L",
        "Q3_K_M",
        "Q8_0",
        "UD-Q8_K_XL",
        "Q8_K_XL",
        "IQ3_M",
        "Q3_K_S",
        "IQ3_S",
        "IQ3_XS",
    ),
    *("UD-IQ3_XXS", "IQ3_XXS", "UD-Q2_K_XL", "Q2_K_XL", "Q2_K_L", "Q2_K", "Q2_K_S", "BF16", "F16"),
    *("IQ2_M", "UD-IQ2_M", "IQ2_S", "IQ2_XS", "UD-IQ2_XXS", "IQ2_XXS", "TQ2_0", "TQ1_0", "UD-IQ1_M", "IQ1_M"),
    *("UD-IQ1_S", "IQ1_S", "F32"),
)
_RANK = {label: rank for rank, label in enumerate(_PREFERENCE)}

# From the closest to the original down. Files of 16 and 32 bits come last: twice the memory and half the speed of Q8_0,
# and no answer gets better by it. At the same bits K and I quantizations are better than the older ones.
_BY_QUALITY = (
    *(
        "Q8_K_XL",
        "Q8_0",
        "Q6_K_XL",
        "Q6_K_L",
        "Q6_K",
        "Q5_K_XL",
        "Q5_K_L",
        "Q5_K_P",
        "Q5_K_M",
        "Q5_K_S",
        "Q5_1",
        "Q5_0",
    ),
    *("Q4_K_XL", "Q4_K_L", "Q4_K_P", "Q4_K_M", "MXFP4", "MXFP4_MOE", "NVFP4", "Q4_K_S", "IQ4_NL", "IQ4_XS", "Q4_1"),
    *("Q4_0", "Q3_K_XL", "Q3_K_L", "Q3_K_M", "IQ3_M", "IQ3_S", "Q3_K_S", "IQ3_XS", "IQ3_XXS", "Q2_K_XL", "Q2_K_L"),
    *(
        "Q2_K",
        "IQ2_M",
        "Q2_K_S",
        "IQ2_S",
        "IQ2_XS",
        "IQ2_XXS",
        "TQ2_0",
        "IQ1_M",
        "TQ1_0",
        "IQ1_S",
        "BF16",
        "F16",
        "F32",
    ),
)
_QUALITY = {label: rank for rank, label in enumerate(_BY_QUALITY)}


def normalize(label: str) -> str:
    """One spelling: ``q4_k_m`` is ``Q4_K_M``, ``fp16`` is ``F16``."""
    return label.upper().replace("FP16", "F16").replace("FP32", "F32")


def of_file(path: str) -> str:
    """The quantization that a file's name tells (else its folder's name); empty when neither does."""
    folder, _, name = path.upper().rpartition("/")
    for part in (name, folder):
        labels = _LABEL.findall(part)
        if labels:
            dynamic, label = labels[-1]
            return f"{dynamic}{normalize(label)}"
    return ""


def preference(label: str) -> int:
    """The place in the order that ``auto`` takes: 0 is best. An unknown label comes after all known ones."""
    return _RANK.get(label, len(_RANK))


def quality(label: str) -> int:
    """The place in the order of closeness to the original: 0 is best. An unknown label comes after all known ones."""
    return _QUALITY.get(label.removeprefix("UD-"), len(_QUALITY))


def without(name: str) -> str:
    """What a name, in capitals, says besides the quantization: the same for all files of one model."""
    return "-".join(part for part in re.split(r"[-._]+", _LABEL.sub("", name)) if part)


def matches(label: str, wanted: str) -> bool:
    """Whether a file of quantization ``label`` is one that the user calls ``wanted``; UD- may be left out."""
    return normalize(wanted) in (label, label.removeprefix("UD-"))
