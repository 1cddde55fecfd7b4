// Who belongs to the cluster, where each node is reached, and when to dial whom. A plain full
// exchange: nodes tell each other every member they know when a link opens. Pure.
#pragma once

#include "protocols/kith/frames.hpp"
#include "runtime/base/clock.hpp"
#include "runtime/base/random.hpp"
#include "runtime/stream/records.hpp"

#include <map>
#include <string>
#include <vector>

namespace kith {

class membership {
public:
  static constexpr std::size_t members_max = 1024; // further ones are not learnt
  static constexpr duration retry_delay = std::chrono::milliseconds(100);
  static constexpr duration retry_delay_max = std::chrono::seconds(2);
  // The node with the greater DID leaves it to the other to dial, for so long.
  static constexpr duration courtesy = std::chrono::seconds(1);

  membership(did self, std::vector<std::string> seeds);

  // A node that was known before the last stop.
  void remember(const records::peer_record& r, time_point now);
  // A link to `node` opened, to an address that it listens on.
  void up(const did& node, const std::string& name, const std::vector<std::string>& addresses,
          const std::string& dialed_address);
  void down(const did& node, time_point now);
  void heard(const std::vector<wire::members::entry>& list, time_point now);
  void failed(const std::string& address, time_point now, random_source& random);
  // The dial came to nothing because a link to that node is already there: the address is good.
  void settled(const std::string& address);

  struct dial {
    std::string address;
    did expected; // empty: whoever answers
  };
  // What to dial now; each is under way until up or failed.
  std::vector<dial> due(time_point now);

  // For a peer that just connected; with ourselves in it.
  wire::members listing(const wire::members::entry& self) const;
  // All seeds have answered once, or there are none.
  bool joined() const;
  std::string name_of(const did& node) const;

private:
  struct target {
    std::string address;
    time_point next{};
    duration delay = retry_delay;
    bool under_way = false;
    bool answered = false;
  };
  struct member {
    wire::members::entry entry;
    bool up = false;
    target at;
  };
  void back_off(target& t, time_point now, random_source& random);

  did self_;
  std::vector<target> seeds_;
  std::map<did, member> members_;
};

} // namespace kith
