"""Listening stored by the server, and its conversion to plays."""
