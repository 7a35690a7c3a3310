// SPDX-License-Identifier: Apache-2.0
// What a command is given to write: a file, or standard input for "-".
#pragma once

#include "engine/base/job_control.h"
#include "engine/base/result.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace bitmend::ctl {

class Input
{
public:
    static Result<Input> open(const std::string& name);
    ~Input();
    Input(Input&& other) noexcept;
    Input& operator=(Input&&) = delete;

    std::optional<std::uint64_t> size() const { return m_size; } // of a plain file

    // Fills as much of `to` as there is; 0 at the end, or when the job was told to stop. `idle` is
    // called now and then while nothing comes.
    Result<std::size_t> read(
        std::span<std::byte> to, JobControl& control, const std::function<void()>& idle) const;

private:
    Input(int descriptor, std::string name);

    int m_descriptor;
    std::string m_name;
    std::optional<std::uint64_t> m_size;
};

} // namespace bitmend::ctl
