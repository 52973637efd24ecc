"""The router benchmark behind `bench/router.py`: programs side by side in one run, every answer compared."""
