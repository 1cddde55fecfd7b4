// Agents that tell and ask each other, and the model of what must come of it. For the campaigns of
// this folder.
#pragma once

#include "actors/simulation/campaign.hpp"

#include <kith/json.hpp>
#include <map>

namespace kith::simulation {

class walkers final : public scenario {
public:
  void set_up(cluster& in, random_source& random) override;
  void work(cluster& in, random_source& random, bool more) override;
  bool at_rest(cluster& in) override;
  std::vector<std::string> broken(cluster& in) override;

private:
  struct order {
    std::size_t node; // where it enters
    did to;
    uuid id;
    std::string payload;
  };
  json durable_of(cluster& in, const did& agent, std::string_view name) const;
  std::int64_t number(cluster& in, const did& agent, std::string_view name) const;
  std::int64_t number(cluster& in, const did& agent, std::string_view name, const did& of) const;
  std::vector<std::string> unfinished(cluster& in);
  void give(cluster& in, random_source& random);
  void offer(cluster& in);

  std::vector<did> agents_;
  std::vector<std::shared_ptr<order>> waiting_; // shared with their answers
  std::map<did, std::int64_t> accepted_;
  uuid_generator ids_;
  std::vector<std::string> problems_;
};

} // namespace kith::simulation
