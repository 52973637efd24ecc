// Anthropic's and OpenAI's own clients for Node, unchanged but for the base URL. Started by run.py.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const base = process.argv[2];
const claude = new Anthropic({ baseURL: base, apiKey: "none", maxRetries: 0 });
const gpt = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "What is a Model?" }];
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

const checks = {
  async "messages: create, stream helper, count_tokens at llama.cpp"() {
    const asked = { model: "assistant", max_tokens: 64, messages, temperature: 0 };
    const whole = await claude.messages.create(asked);
    const stream = claude.messages.stream(asked);
    let text = "";
    stream.on("text", (part) => (text += part));
    const final = await stream.finalMessage();
    assert.ok(text.length > 0);
    assert.equal(text, whole.content[0].text);
    assert.equal(text, final.content[0].text);
    assert.equal(final.stop_reason, whole.stop_reason);
    assert.ok((await claude.messages.countTokens({ model: "assistant", messages })).input_tokens > 0);
  },
  async "messages: tools, whoever answers"() {
    for (const model of ["gpt", "claude"]) {
      const asked = { model, max_tokens: 64, messages, tools: [{ name: "weather", input_schema: schema }] };
      const whole = await claude.messages.create(asked);
      const final = await claude.messages.stream(asked).finalMessage();
      for (const answer of [whole, final]) {
        assert.equal(answer.stop_reason, "tool_use");
        assert.deepEqual(answer.content.at(-1).input, { city: "Paris" });
      }
    }
  },
  async "messages: models and errors"() {
    const ids = [];
    for await (const entry of claude.models.list()) ids.push(entry.id);
    assert.ok(ids.includes("assistant"));
    await assert.rejects(claude.messages.create({ model: "no", max_tokens: 9, messages }), Anthropic.NotFoundError);
    await assert.rejects(claude.messages.create({ model: "dead", max_tokens: 9, messages }), { status: 502 });
  },
  async "chat completions: create, stream, tools"() {
    const asked = { model: "assistant", messages, temperature: 0 };
    const whole = await gpt.chat.completions.create(asked);
    let text = "";
    for await (const chunk of await gpt.chat.completions.create({ ...asked, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
    }
    assert.equal(text, whole.choices[0].message.content);
    const tools = [{ type: "function", function: { name: "weather", parameters: schema } }];
    for (const model of ["gpt", "claude"]) {
      const final = await gpt.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
      const [call] = final.choices[0].message.tool_calls;
      assert.deepEqual(JSON.parse(call.function.arguments), { city: "Paris" });
    }
  },
  async "responses: create, stream"() {
    const asked = { model: "assistant", input: "What is a Model?", temperature: 0 };
    const whole = await gpt.responses.create(asked);
    const final = await gpt.responses.stream(asked).finalResponse();
    assert.ok(whole.output_text.length > 0);
    assert.equal(final.output_text, whole.output_text);
  },
  async "embeddings"() {
    const answer = await gpt.embeddings.create({ model: "gpt", input: "hi", encoding_format: "float" });
    assert.deepEqual(answer.data[0].embedding, [0.5, 0.25]);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok: ${name}`);
}
