"""Sends each request to its role's Models in order, and falls back when one fails."""
