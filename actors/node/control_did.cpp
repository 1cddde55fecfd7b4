// The verbs `did_publish` and `did_withdraw`: the key histories that this node serves, into its
// store and out of it.
#include "actors/node/control_server.hpp"
#include "protocols/did/did_web.hpp"
#include "runtime/base/base64.hpp"

#include <boost/json.hpp>

namespace kith::control {

namespace bj = boost::json;

namespace {

using finish = std::function<void(result<bj::value>)>;

// Holds off others for `subject` until what it gives back is called.
result<finish> begin(node_parts& parts, const did& subject, control_server::reply reply) {
  std::lock_guard lock(parts.mutex);
  if (!parts.publishing.insert(subject).second)
    return fail(errc::conflict, "being_published", "this key history is just being changed");
  return finish([&parts, subject, reply = std::move(reply)](result<bj::value> r) {
    {
      std::lock_guard inner(parts.mutex);
      parts.publishing.erase(subject);
    }
    reply(std::move(r));
  });
}

void submit(node_parts& parts, store::write_batch batch, const finish& done,
            std::function<bj::value()> then) {
  auto submitted = parts.journal->submit(
      std::move(batch), [done, then = std::move(then)](const result<journal_position>& at) {
        if (!at) return done(fail(at.error()));
        done(then());
      });
  if (!submitted) done(fail(submitted.error()));
}

result<dids::key_history> history_argument(const bj::object& args) {
  KITH_ASSIGN(const auto text, text_argument(args, "history"));
  const auto raw = from_base64(text);
  if (!raw) return fail(errc::invalid, "bad_argument", "argument history must be base64");
  return dids::key_history::decode(as_bytes(*raw));
}

bj::value published(const dids::key_history& h, bool changed) {
  bj::object o{{"did", h.subject().text()}, {"keys", h.records().size()}, {"changed", changed}};
  if (const auto url = dids::web_url(h.subject())) o["url"] = *url;
  return o;
}

} // namespace

void did_publish(node_parts& parts, const bj::object& args, control_server::reply reply) {
  auto history = history_argument(args);
  if (!history) return reply(fail(history.error()));
  if (parts.edge_url.empty())
    return reply(fail(errc::unavailable, "no_edge", "this node has no edge (edge.listen)"));
  auto done = begin(parts, history->subject(), reply);
  if (!done) return reply(fail(done.error()));
  const edge::web_place at{parts.options.settings.text("edge.public_url"), parts.self(),
                           parts.directory};
  const auto news = parts.histories.admits(at, *history, parts.time.wall());
  if (!news) return (*done)(fail(news.error()));
  if (!*news) return (*done)(published(*parts.histories.find(history->subject()), false));
  store::write_batch batch;
  batch.put(store::table::state, keys::history(keys::of(history->subject())), history->encode());
  submit(parts, std::move(batch), *done, [&parts, h = *history] {
    parts.histories.put(h);
    return published(h, true);
  });
}

void did_withdraw(node_parts& parts, const bj::object& args, control_server::reply reply) {
  const auto text = text_argument(args, "did");
  if (!text) return reply(fail(text.error()));
  const auto subject = did::parse(*text);
  if (!subject) return reply(fail(subject.error()));
  if (!parts.histories.find(*subject))
    return reply(fail(errc::not_found, "not_published",
                      "this node serves no key history of " + subject->text()));
  auto done = begin(parts, *subject, reply);
  if (!done) return reply(fail(done.error()));
  store::write_batch batch;
  batch.erase(store::table::state, keys::history(keys::of(*subject)));
  submit(parts, std::move(batch), *done, [&parts, who = *subject] {
    parts.histories.erase(who);
    return bj::value{{"did", who.text()}};
  });
}

} // namespace kith::control
