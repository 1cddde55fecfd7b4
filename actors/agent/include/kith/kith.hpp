// All that the author of an agent includes.
#pragma once

#include <kith/agent.hpp>
#include <kith/describe.hpp>
#include <kith/durable.hpp>
#include <kith/joins.hpp>
#include <kith/json.hpp>
#include <kith/message.hpp>
#include <kith/registration.hpp>
#include <kith/supervision.hpp>
