import pytest

from tokencast import Stack


@pytest.fixture(scope="session")
def running_stack():
    with Stack.start() as stack:
        yield stack


@pytest.fixture
def stack(running_stack):
    """The session's stack. A test leaves no faults behind."""
    yield running_stack
    running_stack.faults()


@pytest.fixture
def token(stack):
    return stack.sign_in("alice")
