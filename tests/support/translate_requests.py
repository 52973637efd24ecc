"""One request in each dialect that uses all that can be translated, and what is left out on the way."""

from __future__ import annotations

from typing import Any

from auriga_router.translate import Wire

_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_PNG = "data:image/png;base64,iVBORw0KGgo="
_PDF = "data:application/pdf;base64,JVBERi0="

CHAT: dict[str, Any] = {
    "model": "coding",
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}], "name": "house"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": _PNG, "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": _PDF}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "Two calls.",
            "thinking_blocks": [
                {"type": "thinking", "thinking": "Two calls.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "cmVk"},
            ],
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}},
                {
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "weather", "arguments": ""},
                    "extra_content": {"google": {"thought_signature": "Z2Vt+/8="}},
                },
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "sun"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Rain."}, {"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": "", "refusal": "Not that."},
        {"role": "user", "content": "And now?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Tells it.", "parameters": _SCHEMA, "strict": True},
        },
        {"type": "function", "function": {"name": "time"}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "w", "schema": _SCHEMA, "strict": True}},
    "max_completion_tokens": 500,
    "temperature": 1.5,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END", "STOP"],
    "logprobs": True,
    "top_logprobs": 2,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "reasoning_effort": "medium",
    "verbosity": "low",
    "user": "u-1",
    "stream": True,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "store": True,
    "logit_bias": {"50256": -100},
    "n": 1,
}

MESSAGES: dict[str, Any] = {
    "model": "coding",
    "max_tokens": 1024,
    "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                {
                    "type": "document",
                    "title": "a.pdf",
                    "context": "A bill.",
                    "citations": {"enabled": True},
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="},
                },
                {
                    "type": "document",
                    "title": "n",
                    "source": {"type": "text", "media_type": "text/plain", "data": "Hi"},
                },
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Part"}]}},
                {
                    "type": "search_result",
                    "title": "T",
                    "source": "https://example.com",
                    "content": [{"type": "text", "text": "Found."}],
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Two calls.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "cmVk"},
                {"type": "text", "text": "I look."},
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
                {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_2",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": "no such city"},
                        {"type": "image", "source": {"type": "url", "url": "https://example.com/map.png"}},
                    ],
                },
                {"type": "text", "text": "And now?"},
            ],
        },
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "It is"},
    ],
    "tools": [
        {"name": "weather", "description": "Tells it.", "input_schema": _SCHEMA, "strict": True},
        {"type": "custom", "name": "time", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}},
    ],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": _SCHEMA}},
    "stop_sequences": ["END"],
    "temperature": 0.5,
    "top_p": 0.9,
    "top_k": 40,
    "metadata": {"user_id": "u-1"},
    "service_tier": "auto",
    "stream": True,
}

RESPONSES: dict[str, Any] = {
    "model": "coding",
    "instructions": "Be brief.",
    "input": [
        {"role": "developer", "content": "Be kind."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": _PNG, "detail": "auto"},
                {"type": "input_file", "filename": "a.pdf", "file_data": _PDF},
                {"type": "input_file", "filename": "b.pdf", "file_url": "https://example.com/b.pdf"},
            ],
        },
        {
            "id": "rs_1",
            "type": "reasoning",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Two calls."}],
            "encrypted_content": "anthropic.signature:c2ln",
        },
        {
            "id": "rs_2",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "S"}],
            "encrypted_content": "x",
        },
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Paris"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
        {"type": "function_call", "call_id": "call_2", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "sun"}]},
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {"type": "output_text", "text": "Rain.", "annotations": []},
                {"type": "refusal", "refusal": "Not that."},
            ],
        },
        {"role": "user", "content": "And now?"},
    ],
    "tools": [
        {"type": "function", "name": "weather", "description": "Tells it.", "parameters": _SCHEMA, "strict": True},
        {"type": "function", "name": "time", "parameters": None, "strict": None},
    ],
    "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]},
    "parallel_tool_calls": False,
    "text": {"format": {"type": "json_schema", "name": "w", "schema": _SCHEMA, "strict": True}, "verbosity": "low"},
    "reasoning": {"effort": "medium", "summary": "auto"},
    "include": ["reasoning.encrypted_content", "message.output_text.logprobs"],
    "max_output_tokens": 500,
    "temperature": 0.5,
    "top_p": 0.9,
    "top_logprobs": 2,
    "metadata": {"team": "a"},
    "user": "u-1",
    "store": True,
    "truncation": "auto",
    "stream": True,
}

RICH_REQUESTS = {Wire.CHAT: CHAT, Wire.MESSAGES: MESSAGES, Wire.RESPONSES: RESPONSES}
