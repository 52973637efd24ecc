"""The commands of ``auriga``: one module and one function each. They talk to the person; the work is done elsewhere."""
