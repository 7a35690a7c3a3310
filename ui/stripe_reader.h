// SPDX-License-Identifier: Apache-2.0
// Gives the Stripe tab the bytes it asks for: one read at a time, and of those asked for meanwhile
// only the last.
#pragma once

#include "engine/session/engine.h"

#include <QObject>

#include <optional>

namespace bitmend {

class StripeTab;

class StripeReader final : public QObject
{
    Q_OBJECT

public:
    StripeReader(Engine& engine, StripeTab& tab, QObject* parent);

private:
    struct Request
    {
        Uuid array;
        std::int64_t begin;
        Sectors length;
    };

    void read(const Request& request);

    Engine& m_engine;
    StripeTab& m_tab;
    bool m_isReading = false;
    std::optional<Request> m_next;
};

} // namespace bitmend
