// How this room treats a programmer's error and a library that fails where it cannot: it stops the
// process in every build, because going on would read or write outside a buffer or send something
// unencrypted.
#pragma once

namespace kith::crypto {

// Prints `what` and aborts unless `ok`.
void require(bool ok, const char* what);

// Starts libsodium once (it picks the processor's fastest code then). Called by whatever uses it;
// thread-safe.
void start_sodium();

} // namespace kith::crypto
