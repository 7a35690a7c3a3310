// SPDX-License-Identifier: Apache-2.0
#include "ui/stripe_reader.h"

#include "ui/widgets/stripe_tab.h"

#include <utility>

namespace bitmend {

StripeReader::StripeReader(Engine& engine, StripeTab& tab, QObject* parent)
    : QObject(parent)
    , m_engine(engine)
    , m_tab(tab)
{
    connect(
        &tab, &StripeTab::wanted, this, [this](const Uuid& array, qint64 begin, quint64 length) {
            const Request request{array, begin, {length}};
            if (m_isReading) {
                m_next = request;
            } else {
                read(request);
            }
        });
}

void StripeReader::read(const Request& request)
{
    m_isReading = true;
    m_engine.readStripe(request.array, request.begin, request.length)
        .result.then(this, [this, request](Result<StripeView> stripe) {
            m_isReading = false;
            m_tab.setStripe(request.array, request.begin, std::move(stripe));
            if (const auto next = std::exchange(m_next, std::nullopt))
                read(*next);
        });
}

} // namespace bitmend
