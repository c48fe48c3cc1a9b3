"""The user is the one that a header names."""

from langgraph_sdk import Auth

auth = Auth()


@auth.authenticate
async def authenticate(headers: dict[bytes, bytes]) -> str:
    """Return the user of a request."""
    user = headers.get(b"x-user")
    if user is None:
        raise Auth.exceptions.HTTPException(status_code=401, detail="no user")
    return user.decode()
