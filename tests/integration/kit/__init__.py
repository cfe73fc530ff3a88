"""The black-box kit: real servers, real clients, and hostile ones. Tests import its modules."""
