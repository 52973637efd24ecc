"""Writes the trained network and its tokenizer as a GGUF file that llama.cpp loads."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
from corpus import TEMPLATE
from network import DIM, EPSILON, FFN, HEAD, HEADS, LAYERS, ROPE_BASE, VOCAB, Params
from tokenizers import Tokenizer

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""The first token ids, in this order."""

CONTEXT = 1024
"""What the file promises, in tokens. Training saw 384 at a time: beyond about 500 the answers get worse."""

_Q8_0 = gguf.GGMLQuantizationType.Q8_0


def write(path: Path, params: Params, tokenizer: Tokenizer) -> None:
    """Writes ``path``: matrices as Q8_0, norms as float32. There is no ``output.weight``: the embeddings are tied."""
    out = gguf.GGUFWriter(path, "llama")
    _add_shape(out)
    _add_tokenizer(out, tokenizer)
    for name, value in params.items():
        _add_tensor(out, f"{name}.weight", np.asarray(value, np.float32))
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def _add_shape(out: gguf.GGUFWriter) -> None:
    out.add_name("Auriga demo")
    out.add_context_length(CONTEXT)
    out.add_embedding_length(DIM)
    out.add_block_count(LAYERS)
    out.add_feed_forward_length(FFN)
    out.add_head_count(HEADS)
    out.add_head_count_kv(HEADS)
    out.add_layer_norm_rms_eps(EPSILON)
    out.add_rope_dimension_count(HEAD)
    out.add_rope_freq_base(ROPE_BASE)
    out.add_vocab_size(VOCAB)


def _add_tokenizer(out: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    names = {number: text for text, number in tokenizer.get_vocab().items()}
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list([names.get(number, f"<unused{number}>") for number in range(VOCAB)])
    out.add_token_types([_token_type(names.get(number)) for number in range(VOCAB)])
    out.add_token_merges(_merges(tokenizer))
    # The end of a turn ends the answer; nothing begins a text, so a prompt starts with its own first token.
    out.add_eos_token_id(SPECIAL.index("<|im_end|>"))
    out.add_bos_token_id(SPECIAL.index("<|endoftext|>"))
    out.add_add_bos_token(False)
    out.add_chat_template(TEMPLATE)


def _token_type(name: str | None) -> gguf.TokenType:
    if name is None:
        return gguf.TokenType.UNUSED
    return gguf.TokenType.CONTROL if name in SPECIAL else gguf.TokenType.NORMAL


def _merges(tokenizer: Tokenizer) -> list[str]:
    """As ``"a b"`` strings, which is what llama.cpp reads; newer tokenizers write them as pairs."""
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [" ".join(merge) if isinstance(merge, list) else merge for merge in merges]


def _add_tensor(out: gguf.GGUFWriter, name: str, value: np.ndarray) -> None:
    if value.ndim == 2:
        out.add_tensor(name, gguf.quantize(value, _Q8_0), raw_dtype=_Q8_0)
    else:
        out.add_tensor(name, value)
