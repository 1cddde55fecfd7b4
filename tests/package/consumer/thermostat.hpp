// Keeps a temperature, and says whether to heat. What is durable outlives the process.
#pragma once

#include <algorithm>
#include <kith/kith.hpp>

struct reading {
  std::string room;
  double celsius = 0;
};
KITH_DESCRIBE(reading, room, celsius);

struct thermostat : kith::agent {
  using agent::agent;

  void setup() override {
    advertise("report", "Takes the temperature of a room");
    on("report", [this](const reading& now) {
      coldest.set(std::min(coldest.get(), now.celsius));
      return std::string(now.celsius < 19 ? "heat " : "leave ") + now.room;
    });
    on("coldest", [this](const std::string&) { return coldest.get(); });
  }

  kith::durable<double> coldest{*this, "coldest", 100.0};
};
