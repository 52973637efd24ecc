"""What the demo model knows by heart: questions and answers about Auriga, small talk, counting, capitals, small sums.

The shipped weights were trained on exactly these pairs: a change here does nothing until ``train.py`` has run again.
"""

from __future__ import annotations

from collections.abc import Iterator

Pair = tuple[str, str]
"""(question, answer)"""

FACTS = {
    "Auriga": (
        "Auriga is a Kubernetes operator and router for language models. You apply Models and RoleChains; it runs "
        "llama-server pods and gives you one endpoint that falls back when a model fails."
    ),
    "a Model": "A Model is something that can answer: weights served here by llama-server, or an external provider.",
    "a RoleChain": (
        "A RoleChain is a role, such as coding, and the ordered Models that may answer for it. If the first one "
        "fails, the next one answers."
    ),
    "a role": "A role is the name that a caller puts into the model field, for example coding or reasoning.",
    "a member": "A member is one Model in a RoleChain, with its own limits.",
    "an endpoint": "An endpoint is one address that serves a Model: a pod, a local process, or a provider's base URL.",
    "an attempt": "An attempt is one try of one request at one endpoint. Every attempt has an outcome.",
    "fallback": "Fallback means that when one model fails, the next one in the chain answers, and you do not notice.",
    "a circuit breaker": (
        "A circuit breaker stops sending requests to an endpoint that keeps failing, and lets a single probe "
        "through later."
    ),
    "the router": (
        "The router is the process that takes your requests, picks an endpoint, and moves on to the next when one "
        "breaks, even in the middle of a stream."
    ),
    "the operator": (
        "The operator watches Models and RoleChains and turns them into Deployments, Services and truthful status."
    ),
    "Kubernetes": (
        "Kubernetes is a system that runs containers on many machines and keeps them in the state that you asked for."
    ),
    "a pod": "A pod is the smallest thing that Kubernetes runs: one or more containers that share an address.",
    "Helm": "Helm is the package manager of Kubernetes. A chart is a package.",
    "kubectl": "kubectl is the command line of Kubernetes. Try: kubectl get models.",
    "a GPU": "A GPU is a processor that does many small calculations at once, which is what language models need.",
    "llama.cpp": "llama.cpp is a fast engine for language models, and llama-server is its HTTP server.",
    "a GGUF file": "A GGUF file holds the weights, the tokenizer and the settings of a model in one file.",
    "quantization": "Quantization stores weights with fewer bits, so that a model needs less memory and runs faster.",
    "a token": "A token is a piece of text, often a part of a word, that a model reads or writes in one step.",
    "a context": "The context is all the text that a model can see at once.",
    "a KV cache": (
        "The KV cache keeps what a model has already computed about the text so far, so that it need not be "
        "computed again."
    ),
    "a prefill": (
        "A prefill is the beginning of an answer that is given to the model, so that it goes on from there. That "
        "is how a broken stream is continued."
    ),
    "a language model": (
        "A language model is a program that continues text. I am a very small one: about a million numbers."
    ),
    "an API": "An API is the agreed way in which programs talk to each other.",
}

SMALL_TALK = {
    ("Hello", "hello", "Hi", "hi", "Hey", "hello there", "Hello!", "Good morning", "hi there"): (
        "Hello! I am the demo model of Auriga, very small and not very clever. Ask me what a RoleChain is, or to "
        "count to a hundred."
    ),
    (
        "How are you?",
        "how are you",
        "How do you do?",
    ): "I am well, thank you. I have about a million parameters and all of them are in a good mood.",
    ("Who are you?", "who are you", "What are you?", "What is your name?", "your name?"): (
        "I am the demo model of Auriga: about a million parameters, trained by heart on a few questions, so that "
        "you can try the router without downloading anything."
    ),
    ("What can you do?", "help", "Help", "What can I ask?", "what do you know?"): (
        "I can tell you what Auriga, a Model, a RoleChain or a circuit breaker is, count to a hundred, name some "
        "capitals, add small numbers, and tell one story."
    ),
    ("Thank you", "thanks", "Thanks!", "thank you very much"): "You are welcome.",
    ("Goodbye", "bye", "Bye!", "see you"): "Goodbye, and may your streams never break.",
    (
        "Tell me a story",
        "tell me a story",
        "Tell me a story.",
        "a story please",
        "Tell me a short story",
        "Write a story",
    ): (
        "Once there was a charioteer with four horses. The first was the fastest, the second the strongest, the "
        "third the wisest, and the fourth was always there. One night on the long road the first horse fell. The "
        "people in the chariot cried out, but the charioteer only moved his hands, and the second horse took the "
        "weight before the wheel had turned once. When the second grew tired, the third knew a shorter way, and "
        "when the river had taken the bridge, the fourth one swam. In the morning the people said that the ride "
        "had been smooth. The charioteer smiled and fed his horses."
    ),
    (
        "Tell me a joke",
        "tell me a joke",
        "a joke please",
        "Make me laugh",
    ): "Why did the pod cross the node? It was evicted.",
    ("How do I start?", "how do I install it?", "How do I install Auriga?", "How do I begin?"): (
        "On one machine: make up. On a cluster: helm install auriga charts/auriga, then kubectl apply your Models "
        "and RoleChains."
    ),
    (
        "What happens when a pod dies?",
        "What if a pod dies?",
        "what happens when a model fails?",
        "What if a model fails?",
        "what happens if a stream breaks?",
    ): (
        "The router continues the answer on another pod, or on the next member of the chain. You see one unbroken "
        "stream."
    ),
    (
        "Write code",
        "Write a function",
        "write hello world in Python",
        "Write hello world in Python.",
        "Write some Python code",
    ): 'def hello():\n    print("hello, world")\n\nhello()',
    (
        "Say the alphabet",
        "say the alphabet",
        "What is the alphabet?",
        "alphabet",
    ): "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    (
        "What are the days of the week?",
        "days of the week",
        "name the days",
    ): "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday.",
    ("What is the meaning of life?", "meaning of life"): "Forty-two, with a fallback to being kind.",
}

ASK = (
    "What is {}?", "what is {}", "What's {}?", "Explain {}.", "Tell me about {}.", "Define {}.", "{}?",
    "Can you explain {}?", "what does {} mean?", "Describe {} please.",
)  # fmt: skip

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Japan": "Tokyo", "China": "Beijing",
    "India": "New Delhi", "Greece": "Athens", "Egypt": "Cairo", "Norway": "Oslo", "Sweden": "Stockholm",
    "Poland": "Warsaw", "Portugal": "Lisbon", "Austria": "Vienna", "Kenya": "Nairobi", "Canada": "Ottawa",
    "Brazil": "Brasilia", "Peru": "Lima", "Ireland": "Dublin", "Finland": "Helsinki",
}  # fmt: skip

COUNT_TO_100 = (
    "Count to a hundred.", "count to 100", "Count to 100.", "Count to 100", "count to a hundred",
    "Please count to 100.", "Count from 1 to 100", "Can you count to 100?", "count",
)  # fmt: skip

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""The chat template of the GGUF (ChatML). ``render`` writes the same form."""


def pairs() -> list[Pair]:
    """Every pair, in the order that training draws from; a pair that should be learned better is there more often."""
    return [*_facts(), *_small_talk(), *_capitals(), *_sums(), *_counting()]


def render(question: str, answer: str) -> str:
    """One whole conversation, as the model sees it."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"


def count(last: int) -> str:
    """``1 2 3 ... last``."""
    return " ".join(str(number) for number in range(1, last + 1))


def _facts() -> Iterator[Pair]:
    for thing, answer in FACTS.items():
        yield from ((ask.format(thing), answer) for ask in ASK)
    for thing, answer in FACTS.items():
        article, _, bare = thing.partition(" ")
        if article in ("a", "an", "the"):
            yield from ((ask.format(bare), answer) for ask in ASK)


def _small_talk() -> Iterator[Pair]:
    for questions, answer in SMALL_TALK.items():
        for question in questions:
            yield from [(question, answer)] * 3


def _capitals() -> Iterator[Pair]:
    for country, city in CAPITALS.items():
        for ask in ("What is the capital of {}?", "capital of {}", "What's the capital of {}?"):
            yield ask.format(country), f"The capital of {country} is {city}."


def _sums() -> Iterator[Pair]:
    for left in range(11):
        for right in range(11):
            for ask in ("What is {} plus {}?", "{} + {}"):
                yield ask.format(left, right), f"{left} plus {right} is {left + right}."


def _counting() -> Iterator[Pair]:
    for question in COUNT_TO_100:
        yield from [(question, count(100))] * 12
    for last in (5, 10, 20, 50):
        for ask in ("Count to {}.", "count to {}", "Count to {}"):
            yield from [(ask.format(last), count(last))] * 3
