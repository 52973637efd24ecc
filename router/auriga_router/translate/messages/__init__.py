"""Anthropic's Messages. Shapes: https://platform.claude.com/docs/en/api/messages"""
