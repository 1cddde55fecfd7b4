// Doctor: the door to the web.
#include "runtime/net/network.hpp"
#include "runtime/net/tls_context.hpp"
#include "tools/kith/doctor.hpp"
#include "tools/kith/fetch.hpp"
#include "tools/kith/text_values.hpp"

namespace kith::cli {
namespace {

constexpr duration answer_time_max = std::chrono::seconds(5);
constexpr wall_ms day_ms = 24LL * 3600 * 1000;
constexpr wall_ms renewal_ms = 14 * day_ms; // a certificate that ends sooner is warned of

void examine_certificate(const patient& p, wall_ms now, findings& out) {
  const auto& s = *p.settings;
  const auto &chain = s.text("edge.certificate_file"), &key = s.text("edge.key_file");
  if (const auto& ca = s.text("edge.ca_file"); !ca.empty()) {
    net::tls_trust trust;
    trust.ca_files.push_back(ca);
    if (const auto made = net::tls_client_context::make(trust); !made)
      out.problem("certificate", made.error().context, "Correct or unset edge.ca_file.");
  }
  if (chain.empty() || key.empty() || s.text("edge.tls") == "off") return;
  const auto made = net::tls_server_context::from_files({chain, key});
  if (!made)
    return out.problem("certificate", made.error().context,
                       made.error().code == "tls_key_exposed"
                           ? "`chmod 600 " + key + "`"
                           : "Put the certificate (its chain, PEM) and its key there.");
  const auto ends = (*made)->expires();
  const auto said = "The certificate ends at " + utc_time(ends) + ".";
  if (ends <= now)
    out.problem("certificate", said, "Renew it; the node takes the new files by itself.");
  else if (ends - now < renewal_ms)
    out.warning("certificate", said, "Renew it; the node takes the new files by itself.");
  else
    out.ok("certificate", said);
}

// Whether others could use this URL at all: "https://0.0.0.0:443" names no host.
bool names_a_host(const std::string& url) {
  return url.find("://0.0.0.0") == url.npos && url.find("://[::]") == url.npos;
}

void examine_answer(const patient& p, findings& out) {
  if (!names_a_host(p.edge_url))
    return out.warning("edge", "The edge listens everywhere, and nobody is told under what name.",
                       "Set edge.public_url.");
  fetch_options how;
  how.allow_private = true; // it is our own
  how.limits.time_max = answer_time_max;
  how.trust.ca_files.push_back((p.dir / "edge.pem").string());
  if (std::error_code ec; !std::filesystem::exists(p.dir / "edge.pem", ec)) how.trust = {};
  if (const auto& ca = p.settings->text("edge.ca_file"); !ca.empty())
    how.trust.ca_files.push_back(ca);
  const auto url = p.edge_url + (p.edge_url.ends_with('/') ? "livez" : "/livez");
  const auto answer = fetch(url, how);
  const std::string mend = p.settings->text("edge.public_url").empty()
                               ? "`kith logs --node " + p.name + "` may say why."
                               : "See that edge.public_url leads to edge.listen: DNS, proxy, "
                                 "firewall.";
  if (!answer)
    out.problem("edge", url + " does not answer: " + answer.error().context, mend);
  else if (answer->response.status != 200)
    out.problem("edge",
                url + " answers with status " + std::to_string(answer->response.status) + ".",
                mend);
  else
    out.ok("edge", p.edge_url + " answers.");
}

} // namespace

void examine_edge(const patient& p, wall_ms now, findings& out) {
  if (!p.settings || p.settings->text("edge.listen").empty()) return;
  examine_certificate(p, now, out);
  if (!p.runs()) return;
  if (p.edge_url.empty())
    out.warning("edge", "The node runs without the edge that its settings ask for now.",
                "Start it again: `kith stop --node " + p.name + "`, then `kith up`.");
  else
    examine_answer(p, out);
}

} // namespace kith::cli
