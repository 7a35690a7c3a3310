// SPDX-License-Identifier: Apache-2.0
#include "engine/array/live_frames.h"

#include "engine/array/assembly.h"

namespace bitmend {

namespace {

constexpr std::chrono::milliseconds kFrameInterval{33};

} // namespace

LiveFrames::LiveFrames(const ArrayReport& report) : m_builder(report)
{
    nameMembers();
    publish(Pace::Now);
}

void LiveFrames::nameMembers()
{
    const auto& members = m_builder.current().members;
    for (std::size_t i = 0; i < members.size(); ++i)
        m_members.emplace(members[i].path, i);
}

void LiveFrames::beginAnew(const ArrayReport& report)
{
    {
        const std::lock_guard lock(m_mutex);
        m_builder = BitmapFrameBuilder(report);
        m_members.clear();
        nameMembers();
    }
    publish(Pace::Now);
}

void LiveFrames::mark(ChunkRun chunks, ChunkState state)
{
    const std::lock_guard lock(m_mutex);
    m_changed = true;
    if (!chunks.empty())
        m_builder.mark(chunks.begin, chunks.end - 1, state);
}

std::optional<std::size_t> LiveFrames::withCopy(const std::string& path) const
{
    const auto member = m_members.find(path);
    if (member == m_members.end() || m_builder.current().members[member->second].set.size() == 0)
        return {};
    return member->second;
}

void LiveFrames::setMemberBits(const std::string& path, ChunkRun chunks, bool value)
{
    const std::lock_guard lock(m_mutex);
    const auto index = withCopy(path);
    m_changed = true;
    if (index && !chunks.empty())
        m_builder.setMemberBits(*index, chunks.begin, chunks.end - 1, value);
}

void LiveFrames::addMember(const std::string& path, int role, Sectors dataOffset)
{
    const std::lock_guard lock(m_mutex);
    if (m_members.contains(path))
        return;
    m_changed = true;
    MemberBits member;
    member.path = path;
    member.role = role;
    member.evidence = false;
    member.dataOffset = dataOffset;
    member.set = BitPages(m_builder.current().chunks);
    m_members.emplace(path, m_builder.addMember(std::move(member)));
}

void LiveFrames::setMemberBits(const std::string& path, const BitmapBits& bits)
{
    const std::lock_guard lock(m_mutex);
    const auto index = withCopy(path);
    if (!index)
        return;
    m_changed = true;
    for (std::uint64_t chunk = 0; chunk < bits.chunks;) {
        auto end = chunk;
        const bool value = bits.test(chunk);
        while (end < bits.chunks && bits.test(end) == value)
            ++end;
        m_builder.setMemberBits(*index, chunk, end - 1, value);
        chunk = end;
    }
}

void LiveFrames::setMemberBad(const std::string& path, const BadBlocks& blocks)
{
    const std::lock_guard lock(m_mutex);
    const auto member = m_members.find(path);
    if (member == m_members.end())
        return;
    m_changed = true;
    m_builder.setMemberBad(member->second, blocks);
}

void LiveFrames::setPagesDue(std::uint64_t begin, std::uint64_t end, bool due)
{
    const std::lock_guard lock(m_mutex);
    m_changed = true;
    if (begin < end)
        m_builder.setPagesDue(begin, end - 1, due);
}

void LiveFrames::setSyncPosition(std::int64_t chunk)
{
    const std::lock_guard lock(m_mutex);
    m_changed = true;
    m_builder.setSyncPosition(chunk);
}

void LiveFrames::publish(Pace pace)
{
    const std::lock_guard lock(m_mutex);
    const auto now = std::chrono::steady_clock::now();
    if (pace == Pace::WhenDue && (!m_changed || now - m_published < kFrameInterval))
        return;
    m_changed = false;
    m_published = now;
    m_box.store(m_builder.publish());
}

} // namespace bitmend
