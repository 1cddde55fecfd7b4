#include "actors/edge/access.hpp"

#include "runtime/crypto/hash.hpp"

namespace kith::edge {

namespace {

httpsig::verify_policy policy_of(const access_options& o) {
  httpsig::verify_policy p;
  p.created_age_max = o.created_age_max;
  p.clock_skew_max = o.clock_skew_max;
  return p;
}

httpsig::replay_options replays_of(const access_options& o) {
  httpsig::replay_options r;
  r.count_max = o.replays_max;
  r.window_max = o.created_age_max + 2 * o.clock_skew_max + 1;
  return r;
}

} // namespace

gatekeeper::gatekeeper(access_options options, random_source& random,
                       std::function<bool(const did&)> member)
    : options_(std::move(options)), policy_(policy_of(options_)), member_(std::move(member)),
      members_replays_(replays_of(options_), random),
      strangers_replays_(replays_of(options_), random) {
  if (!options_.operator_token.empty())
    token_digest_ = crypto::blake2b_256(as_bytes(options_.operator_token));
}

result<principal> gatekeeper::identify(const net::http_request& request, wall_ms now) {
  constexpr std::string_view bearer = "Bearer ";
  auto authorization = request.headers["authorization"];
  if (authorization.size() > bearer.size() &&
      net::equal_ignoring_case(authorization.substr(0, bearer.size()), bearer)) {
    // Digests, so that the time of the comparison says nothing about the token.
    auto token = authorization.substr(bearer.size());
    if (options_.operator_token.empty() || crypto::blake2b_256(as_bytes(token)) != token_digest_)
      return fail(errc::unauthenticated, "token_wrong", "this is not the operator's token");
    return principal{principal::kind::node_operator, {}};
  }
  if (!request.headers.find("signature-input") && !request.headers.find("signature"))
    return principal{};

  std::vector<httpsig::header_view> headers;
  headers.reserve(request.headers.size());
  for (auto f : request.headers) headers.push_back({f.name, f.value});
  httpsig::message_view view;
  view.method = request.method;
  view.scheme = !options_.scheme.empty() ? std::string_view(options_.scheme)
                : request.secure         ? std::string_view("https")
                                         : std::string_view("http");
  view.authority = request.authority();
  view.path = request.path();
  if (request.target.find('?') != std::string::npos) view.query = request.query();
  view.request_target = request.target;
  view.headers = headers;
  view.body = request.body;
  auto seconds = now / 1000;
  KITH_ASSIGN(auto verified, httpsig::verify(view, policy_, seconds, httpsig::resolve_did_key));
  KITH_ASSIGN(auto who, did::parse(verified.keyid().substr(0, verified.keyid().find('#'))));
  auto& replays =
      options_.listed.count(who) != 0 || member_(who) ? members_replays_ : strangers_replays_;
  KITH_TRY(httpsig::check_replay(replays, verified, seconds));
  return principal{principal::kind::signer, std::move(who)};
}

result<void> gatekeeper::admit_mailbox(const did& who) const {
  if (options_.mailboxes == mailbox_policy::closed)
    return fail(errc::forbidden, "mailboxes_closed",
                "this node keeps no mailboxes for others (edge.mailboxes)");
  if (options_.mailboxes == mailbox_policy::listed && options_.listed.count(who) == 0)
    return fail(errc::forbidden, "not_listed",
                "this node keeps mailboxes only for DIDs that its operator listed (edge.allow)");
  return {};
}

} // namespace kith::edge
