#include "tools/kith/identity_files.hpp"
#include "runtime/identity/keystore.hpp"
#include "tools/kith/files.hpp"
#include "tools/kith/passphrase.hpp"

namespace kith::cli {

namespace {

result<secret_key> plain_key(const std::filesystem::path& file, byte_view contents) {
  auto key = decode_key_file(contents);
  if (!key)
    return fail(key.error().category, key.error().code,
                file.string() + " is no key file: " + key.error().context);
  return key;
}

} // namespace

result<identity> read_identity(const console& io, const std::filesystem::path& file,
                               const crypto::secret_buffer* known) {
  KITH_ASSIGN(const auto contents, load_secret_file(file, true));
  if (!is_sealed_key_file(contents.expose())) {
    KITH_ASSIGN(auto key, plain_key(file, contents.expose()));
    return identity{std::move(key), std::nullopt};
  }
  if (known != nullptr) {
    auto key = decode_sealed_key_file(contents.expose(), known->expose());
    if (key) return identity{std::move(*key), known->clone()};
    if (key.error().category != errc::unauthenticated) return fail(std::move(key).error());
  }
  KITH_ASSIGN(auto opened, open_at_terminal(io, file, contents.expose(), file.string()));
  return identity{std::move(opened.key), std::move(opened.passphrase)};
}

result<secret_key> read_node_identity(const std::filesystem::path& file,
                                      const std::filesystem::path& passphrase_file) {
  KITH_ASSIGN(const auto contents, load_secret_file(file, false));
  if (!is_sealed_key_file(contents.expose())) return plain_key(file, contents.expose());
  if (passphrase_file.empty())
    return fail(errc::unauthenticated, "passphrase_needed",
                file.string() + " is sealed, and keys.passphrase_file is not set");
  KITH_ASSIGN(const auto passphrase, read_secret_file(passphrase_file));
  return decode_sealed_key_file(contents.expose(), passphrase.expose());
}

result<secret_key> make_identity(const std::filesystem::path& file, random_source& random,
                                 const crypto::secret_buffer* passphrase) {
  auto key = secret_key::generate(random);
  auto text = encode_key_file(key);
  if (passphrase != nullptr) {
    KITH_ASSIGN(text, encode_sealed_key_file(key, passphrase->expose(), random));
  }
  KITH_TRY(create_secret_file(file, text.expose(), random));
  return key;
}

result<dids::key_history> read_history(const std::filesystem::path& file) {
  std::error_code ec;
  if (!std::filesystem::is_regular_file(file, ec))
    return fail(errc::not_found, "no_history", "there is no key history " + file.string());
  const auto raw = read_some(file, 0, dids::key_history::encoded_size_max + 1);
  auto history = dids::key_history::decode(as_bytes(raw));
  if (!history)
    return fail(history.error().category, history.error().code,
                file.string() + " is no key history: " + history.error().context);
  return history;
}

result<> write_history(const std::filesystem::path& file, const dids::key_history& history) {
  return write_file(file, as_text(history.encode()));
}

} // namespace kith::cli
