//! One ring of encoded messages, and a cursor into it for every client. It knows nothing of sockets.
