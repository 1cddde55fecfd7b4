// Metrics as Prometheus reads them (text exposition format 0.0.4,
// https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include "runtime/observe/metrics.hpp"

namespace kith::observe {

// One # TYPE line a name, then its series. Label values are escaped; a character that may not stand
// in a name becomes "_".
std::string prometheus_text(const std::vector<registry::sample>& samples);

} // namespace kith::observe
