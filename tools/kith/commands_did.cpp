// `kith did new`, `show` and `rotate`: identities in files, without any node.
#include "protocols/did/did_web.hpp"
#include "protocols/did/resolver.hpp"
#include "runtime/base/base64.hpp"
#include "runtime/identity/keystore.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/did_text.hpp"
#include "tools/kith/exit_code.hpp"
#include "tools/kith/identity_files.hpp"
#include "tools/kith/json_members.hpp"
#include "tools/kith/node_settings.hpp"
#include "tools/kith/passphrase.hpp"
#include "tools/kith/render.hpp"

#include <boost/json.hpp>
#include <ostream>

namespace kith::cli {
namespace {

namespace bj = boost::json;
namespace fs = std::filesystem;

constexpr const char* key_file_default = "identity.key";

bj::value as_value(const dids::document& d) {
  boost::system::error_code ec;
  return bj::parse(d.to_json().dump(), ec); // our own JSON
}

int print_document(const context& c, const dids::document& d) {
  return c.print(bj::object{{"did", d.id}, {"keys", keys_of(d)}, {"document", as_value(d)}},
                 render_document(d, c.io.colour));
}

// did:key and did:nostr, which say all by themselves.
result<dids::document> document_here(const std::string& text) {
  dids::resolver local;
  auto found = local.resolve(text, time_point{});
  if (const auto* intent = std::get_if<dids::fetch_intent>(&found))
    return fail(errc::unavailable, "not_local",
                intent->subject.text() + " says where its document is, and not what is in it: "
                                         "`kith did resolve` fetches it");
  const auto& done = *std::get<dids::resolution_ptr>(found);
  if (done.ok()) return *done.doc;
  return fail(resolution_failure(done));
}

// Whose the key in a file is, or whose node's.
result<std::string> did_of(const context& c) {
  if (!c.given.did.empty()) {
    if (c.given.did.starts_with("did:")) return c.given.did;
    KITH_ASSIGN(const auto its, read_identity(c.io, c.given.did));
    return its.key.did().text();
  }
  KITH_ASSIGN(const auto node, c.one_node());
  const auto status = status_of(c, node);
  if (auto running = text_at(status, "node"); !running.empty()) return running;
  const auto dir = c.dir.node_dir(node), file = dir / "keys" / "node.key";
  KITH_ASSIGN(const auto settings, load_settings(dir, c.io.settings, {}));
  if (const auto named = settings.text("keys.passphrase_file"); !named.empty()) {
    KITH_ASSIGN(const auto key, read_node_identity(file, named));
    return key.did().text();
  }
  KITH_ASSIGN(const auto contents, load_secret_file(file, false));
  if (is_sealed_key_file(contents.expose())) {
    KITH_ASSIGN(const auto opened, open_at_terminal(c.io, file, contents.expose(), "node " + node));
    return opened.key.did().text();
  }
  KITH_ASSIGN(const auto its, read_identity(c.io, file));
  return its.key.did().text();
}

result<did> web_identity(const std::string& text) {
  KITH_ASSIGN(auto subject, did::parse(text));
  KITH_TRY(dids::web_url(subject)); // that it is a did:web, and a sound one
  return subject;
}

result<int> show_history(const context& c) {
  KITH_ASSIGN(const auto history, read_history(c.given.history));
  if (!c.given.did.empty() && c.given.did != history.subject().text())
    return fail(errc::conflict, "other_history",
                c.given.history + " is the key history of " + history.subject().text());
  const auto document = dids::web_document(history.subject(), history.periods(), {});
  return c.print(bj::object{{"did", history.subject().text()},
                            {"periods", periods_of(history)},
                            {"document", as_value(document)}},
                 render_history(history, c.io.colour));
}

// A file that is there already holds the next key: so a rotation that was interrupted between the
// key and the history can be made again. A new one is sealed as the old one was.
result<secret_key> next_key(const context& c, const fs::path& file,
                            const crypto::secret_buffer* passphrase) {
  std::error_code ec;
  system_random random;
  if (!fs::exists(file, ec)) return make_identity(file, random, passphrase);
  KITH_ASSIGN(auto there, read_identity(c.io, file, passphrase));
  return std::move(there.key);
}

// The did:web of --web, whose history does not exist yet.
result<did> new_subject(const context& c) {
  KITH_ASSIGN(auto subject, web_identity(c.given.web));
  std::error_code ec;
  if (fs::exists(c.given.history, ec))
    return fail(errc::exists, "history_exists",
                c.given.history + " exists already and was left as it is");
  return subject;
}

result<int> write_first(const context& c, const did& subject, const secret_key& key,
                        const fs::path& file) {
  KITH_TRY(write_history(c.given.history,
                         dids::key_history::begin(subject, key, system_clock().wall())));
  KITH_ASSIGN(const auto url, dids::web_url(subject));
  c.io.err << "kith: its key is in " << file.string() << "; `kith did show --json --history "
           << c.given.history << "` has the document to serve at " << url << std::endl;
  return c.print(bj::object{{"did", subject.text()},
                            {"key_did", key.did().text()},
                            {"file", file.string()},
                            {"history", c.given.history},
                            {"url", url}},
                 subject.text());
}

// With a key that is there already.
result<int> begin_history(const context& c) {
  if (c.given.web.empty() || c.given.passphrase)
    return fail(errc::invalid, "usage", "--key goes with --web and --history only");
  KITH_ASSIGN(const auto subject, new_subject(c));
  KITH_ASSIGN(const auto its, read_identity(c.io, c.given.key_file));
  return write_first(c, subject, its.key, c.given.key_file);
}

} // namespace

error resolution_failure(const dids::resolution& r) {
  using e = dids::resolution_error;
  auto category = errc::unavailable; // it could not be found out
  if (r.error == e::invalid_did) category = errc::invalid;
  if (r.error == e::not_found) category = errc::not_found;
  if (r.error == e::invalid_did_document) category = errc::malformed;
  if (r.error == e::method_not_supported || r.error == e::feature_not_supported)
    category = errc::unsupported;
  if (r.code == "fetch_timeout") category = errc::timeout;
  if (r.error == e::none && r.metadata.deactivated)
    return {errc::not_found, "deactivated", r.subject + " was deactivated by its owner"};
  return {category, r.code, (r.subject.empty() ? "" : r.subject + ": ") + r.detail};
}

result<int> did_new_command(const context& c) {
  const fs::path file = c.given.out.empty() ? key_file_default : c.given.out;
  if (c.given.web.empty() != c.given.history.empty())
    return fail(errc::invalid, "usage", "--web and --history go together");
  if (!c.given.key_file.empty()) return begin_history(c);
  system_random random;
  std::optional<crypto::secret_buffer> passphrase;
  if (c.given.passphrase) {
    KITH_ASSIGN(passphrase, choose_passphrase(c.io, file.string()));
  }
  const auto* seal = passphrase ? &*passphrase : nullptr;
  if (c.given.web.empty()) {
    KITH_ASSIGN(const auto key, make_identity(file, random, seal));
    c.io.err << "kith: its key is in " << file.string() << ", which nobody else should see"
             << std::endl;
    return c.print(bj::object{{"did", key.did().text()}, {"file", file.string()}},
                   key.did().text());
  }
  KITH_ASSIGN(const auto subject, new_subject(c));
  KITH_ASSIGN(const auto key, make_identity(file, random, seal));
  return write_first(c, subject, key, file);
}

result<int> did_show_command(const context& c) {
  if (!c.given.history.empty()) return show_history(c);
  KITH_ASSIGN(const auto text, did_of(c));
  KITH_ASSIGN(const auto document, document_here(text));
  return print_document(c, document);
}

result<int> did_rotate_command(const context& c) {
  KITH_ASSIGN(const auto subject, web_identity(c.given.did));
  KITH_ASSIGN(auto history, read_history(c.given.history));
  if (history.subject() != subject)
    return fail(errc::conflict, "other_history",
                c.given.history + " is the key history of " + history.subject().text());
  KITH_ASSIGN(const auto old, read_identity(c.io, c.given.key_file));
  if (history.current().ed25519() != old.key.public_key())
    return fail(errc::invalid, "rotation_key",
                c.given.key_file + " is not the current key of " + subject.text() +
                    ": only that one can name the next");
  const auto index = history.records().size();
  const fs::path file =
      c.given.new_key.empty() ? c.given.key_file + "." + std::to_string(index) : c.given.new_key;
  KITH_ASSIGN(const auto next, next_key(c, file, old.passphrase ? &*old.passphrase : nullptr));
  KITH_ASSIGN(const auto key,
              dids::public_key::from_raw(dids::key_type::ed25519, next.public_key()));
  const auto now = system_clock().wall();
  KITH_TRY(history.rotate(old.key, key, now, c.given.revoke));
  KITH_TRY(write_history(c.given.history, history));
  c.io.err << "kith: the new key is in " << file.string() << "; serve the new document of "
           << subject.text() << " before it is used" << std::endl;
  return c.print(bj::object{{"did", subject.text()},
                            {"key", key.multibase()},
                            {"key_did", next.did().text()},
                            {"file", file.string()},
                            {"index", index},
                            {"valid_from_ms", now},
                            {"revoked_old", c.given.revoke}},
                 key.multibase());
}

result<int> did_publish_command(const context& c) {
  KITH_ASSIGN(const auto history, read_history(c.given.history));
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(auto answer,
              call(connection, "did_publish", {{"history", to_base64(history.encode())}}));
  const auto said = object_of(std::move(answer));
  return c.print(said, harmless(text_at(said, "url")));
}

result<int> did_withdraw_command(const context& c) {
  KITH_ASSIGN(auto connection, c.connect());
  KITH_ASSIGN(auto answer, call(connection, "did_withdraw", {{"did", c.given.did}}));
  const auto said = object_of(std::move(answer));
  return c.print(said, harmless(text_at(said, "did")));
}

} // namespace kith::cli
