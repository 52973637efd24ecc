"""Tiny GGUF files for tests: random weights in the real format, which llama.cpp loads and answers from.

A file is half a megabyte and written in a few milliseconds. The same arguments give the same bytes, and at
temperature 0 the same answer. What it says is noise; its tokenizer, chat template and shapes are real.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, FEED_FORWARD = 64, 2, 4, 128
CONTROL = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
END_OF_TURN = 1 + CONTROL.index("<|im_end|>")
FIRST_PRINTABLE = 1 + len(CONTROL) + 256
FIRST_FILLER = FIRST_PRINTABLE + 95
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_gguf(
    path: Path,
    *,
    context_length: int = 2048,
    vocab: int = 0,
    seed: int = 7,
    architecture: str = "llama",
    chat_template: str = CHAT_TEMPLATE,
    shards: int = 1,
) -> Path:
    """Write a model to ``path`` and give the path of its (first) file.

    ``vocab`` fills the vocabulary up to so many tokens (it has 356 of its own). With ``shards`` > 1 the tensors are
    spread over files named ``<stem>-00001-of-0000N.gguf`` beside ``path``, as llama.cpp's own splitter names them.
    """
    writer = gguf.GGUFWriter(path, architecture, split_max_tensors=_tensors_per_shard(shards))
    tokens = _tokens(vocab)
    _describe(writer, context_length, len(tokens))
    _add_tokenizer(writer, tokens, chat_template)
    _add_tensors(writer, np.random.default_rng(seed), len(tokens))
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path if shards == 1 else path.with_name(f"{path.stem}-00001-of-{shards:05}.gguf")


def _tensors_per_shard(shards: int) -> int:
    tensors = 3 + 9 * LAYERS
    return 0 if shards == 1 else -(-tensors // shards)


def _describe(writer: gguf.GGUFWriter, context_length: int, vocab: int) -> None:
    writer.add_name("tiny-random")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(context_length)
    writer.add_vocab_size(vocab)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)


def _tokens(vocab: int) -> list[tuple[str, gguf.TokenType, float]]:
    """(text, type, score) of each token: specials, every byte, printable ASCII, and fillers up to ``vocab``."""
    tokens = [("<unk>", gguf.TokenType.UNKNOWN, 0.0)]
    tokens += [(text, gguf.TokenType.CONTROL, 0.0) for text in CONTROL]
    tokens += [(f"<0x{byte:02X}>", gguf.TokenType.BYTE, 0.0) for byte in range(256)]
    # SentencePiece writes a space as U+2581.
    tokens += [(chr(code).replace(" ", "\u2581"), gguf.TokenType.NORMAL, -1.0) for code in range(32, 127)]
    tokens += [(f"filler{number}", gguf.TokenType.NORMAL, -9.0) for number in range(len(tokens), vocab)]
    return tokens


def _add_tokenizer(
    writer: gguf.GGUFWriter, tokens: list[tuple[str, gguf.TokenType, float]], chat_template: str
) -> None:
    texts, types, scores = zip(*tokens, strict=True)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(list(texts))
    writer.add_token_types(list(types))
    writer.add_token_scores(list(scores))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END_OF_TURN)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    if chat_template:
        writer.add_chat_template(chat_template)


def _add_tensors(writer: gguf.GGUFWriter, random: np.random.Generator, vocab: int) -> None:
    def noise(name: str, *shape: int, scale: float = 0.35) -> None:
        writer.add_tensor(name, random.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    def ones(name: str) -> None:
        writer.add_tensor(name, np.ones(WIDTH, np.float32))

    noise("token_embd.weight", vocab, WIDTH, scale=1.0)
    ones("output_norm.weight")
    output = random.standard_normal((vocab, WIDTH), dtype=np.float32) * np.float32(0.5)
    # Specials, raw bytes and fillers are never said, so that an answer is printable text and runs to max_tokens.
    output[:FIRST_PRINTABLE] = output[FIRST_FILLER:] = 0.0
    writer.add_tensor("output.weight", output)
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            noise(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
        noise(f"blk.{layer}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        noise(f"blk.{layer}.ffn_up.weight", FEED_FORWARD, WIDTH)
        noise(f"blk.{layer}.ffn_down.weight", WIDTH, FEED_FORWARD)
