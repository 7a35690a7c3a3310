// SPDX-License-Identifier: Apache-2.0
// What is printed where: results to standard output, everything else to standard error.
#pragma once

#include "app/ctl/exit_code.h"
#include "ui/words.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bitmend::ctl {

void print(std::string_view text);

// False, after saying so, when standard output could not take everything.
bool flushOutput();

// "bitmendctl: <sentence>" on standard error.
void complain(std::string_view sentence);

// Each sentence goes to `also` as well; empty: no longer. For one thread.
void copyComplaints(std::function<void(std::string_view)> also);

// The same with the error's own sentence; returns the exit code it stands for.
ExitCode complain(const Error& error);

// That a command (empty: bitmendctl itself) was called wrongly, and where its help is.
ExitCode misused(std::string_view command, std::string_view sentence);

void logToStandardError();

// Words wrapped to the terminal's width, each line behind the indent.
std::string wrapped(std::string_view text, std::size_t indent);

// Columns as wide as their widest cell. Cells of a row may be fewer than the columns.
class Table
{
public:
    explicit Table(std::vector<std::string> header) : m_rows{std::move(header)} {}

    void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }

    // A line under the row added last, in the table's indent plus four.
    void note(std::string text);

    std::string text(std::size_t indent) const;

private:
    struct Note
    {
        std::size_t row;
        std::string text;
    };

    std::vector<std::vector<std::string>> m_rows;
    std::vector<Note> m_notes;
};

} // namespace bitmend::ctl
