// SPDX-License-Identifier: Apache-2.0
#include "engine/session/open_array.h"

#include <utility>

namespace bitmend {

OpenArray::OpenArray()
{
    m_strand.setMaxThreadCount(1);
    m_strand.setExpiryTimeout(-1);
}

std::shared_ptr<Array> OpenArray::array() const
{
    const std::lock_guard lock(m_mutex);
    return m_array;
}

std::filesystem::path OpenArray::overlay() const
{
    const std::lock_guard lock(m_mutex);
    return m_overlay;
}

void OpenArray::opened(std::unique_ptr<Array> array, std::filesystem::path overlay)
{
    {
        const std::lock_guard lock(m_mutex);
        m_array = std::move(array);
        m_overlay = std::move(overlay);
    }
    publish();
}

void OpenArray::publish()
{
    if (const auto array = this->array())
        m_snapshot.store(std::make_shared<const ArraySnapshot>(array->snapshot()));
}

void OpenArray::closed()
{
    std::shared_ptr<Array> last;
    {
        const std::lock_guard lock(m_mutex);
        last.swap(m_array);
    }
    m_snapshot.store(nullptr);
}

} // namespace bitmend
