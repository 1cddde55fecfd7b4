// Manifests of backups: no bytes break the decoder, and what decodes is what encode makes.
#include "runtime/backup/manifest.hpp"
#include "runtime/crypto/hash.hpp"

#include <cstdlib>

using namespace kith;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const byte_view input(data, size);
  (void)backup::decode_manifest(input);
  // With the digest that it wants, so that what is behind that is reached.
  auto sealed = to_bytes(input);
  append(sealed, crypto::blake2b_256(sealed));
  if (const auto m = backup::decode_manifest(sealed)) {
    if (backup::encode(*m) != sealed) std::abort();
    for (const auto& f : m->files)
      if (!backup::is_file_name(f.name)) std::abort();
  }
  return 0;
}
