// `kith did resolve`: as DIF's universal resolver would answer, from this machine.
#include "protocols/did/resolver.hpp"
#include "tools/kith/commands.hpp"
#include "tools/kith/did_text.hpp"
#include "tools/kith/fetch.hpp"
#include "tools/kith/text_values.hpp"

#include <boost/json.hpp>

namespace kith::cli {
namespace {

dids::fetch_outcome outcome_of(const result<net::fetch_answer>& r) {
  if (!r) return dids::failed_fetch(r.error());
  return {dids::fetch_outcome::kind::answered, r->response.status,
          std::string(r->response.headers["content-type"]),
          std::string(as_text(r->response.body.view()))};
}

result<net::fetch_answer> fetch_document(const context& c, const dids::fetch_intent& intent) {
  fetch_options how;
  how.accept = intent.accept;
  how.limits.time_max = intent.timeout;
  how.limits.body_size_max = intent.body_size_max;
  how.limits.redirects_max = intent.redirects_max;
  how.allow_private = c.given.allow_private;
  if (!c.given.ca_file.empty()) how.trust.ca_files.push_back(c.given.ca_file);
  return fetch(intent.url, how);
}

} // namespace

result<int> did_resolve_command(const context& c) {
  dids::resolver_options options;
  if (!c.given.timeout.empty()) {
    KITH_ASSIGN(options.fetch_timeout, parse_duration(c.given.timeout));
  }
  dids::resolver resolver(options);
  auto found = resolver.resolve(c.given.did, time_point{});
  if (const auto* intent = std::get_if<dids::fetch_intent>(&found)) {
    const auto answer = fetch_document(c, *intent);
    auto done = resolver.fetched(*intent, outcome_of(answer), time_point{});
    // The resolver's word is the same for many causes; a person wants to know which.
    if (!answer)
      return fail(answer.error().category, done->code,
                  c.given.did + ": " + intent->url + ": " + answer.error().context);
    found = std::move(done);
  }
  const auto& done = *std::get<dids::resolution_ptr>(found);
  if (!done.ok()) return fail(resolution_failure(done));
  boost::system::error_code ec;
  return c.print(boost::json::parse(respond(done, "application/did-resolution").body, ec),
                 render_document(*done.doc, c.io.colour));
}

} // namespace kith::cli
