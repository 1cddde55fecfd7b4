// When a cluster is up: every node is ready and sees every other one as alive. Pure.
#pragma once

#include "runtime/base/result.hpp"
#include "tools/kith/json_fwd.hpp"

#include <string>
#include <vector>

namespace kith::cli {

struct readiness {
  bool ready = false;
  std::string waiting_for; // "n2 is joining", "n1 does not see n3 yet"; empty when ready
  // It will never be: unauthenticated "wrong_cluster_secret".
  result<> hopeless;
};

// `statuses` are the results of the verb `status`, one of each node that is to be up.
readiness judge(const std::vector<boost::json::object>& statuses);

} // namespace kith::cli
