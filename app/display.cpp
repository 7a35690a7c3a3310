// SPDX-License-Identifier: Apache-2.0
#include "app/display.h"

#include <QApplication>
#include <QTextStream>

#include <cstdlib>
#include <utility>

namespace bitmend {

namespace {

constexpr const char* kPlatform = "QT_QPA_PLATFORM";

bool chosenByUs = false;
QtMessageHandler usual = nullptr;
QString reason;        // why the display did not open
QStringList withdrawn; // what Qt said meanwhile, for when it opens after all

bool isSet(const char* variable) { return !qEnvironmentVariableIsEmpty(variable); }

void choose(const char* platforms)
{
    qputenv(kPlatform, platforms);
    chosenByUs = true;
}

// Qt tells a missing display in several warnings and then aborts. The plugin loader's own come last
// and say least.
void hearComplaints(QtMsgType type, const QMessageLogContext& context, const QString& words)
{
    if (type != QtFatalMsg) {
        withdrawn += words;
        if (reason.isEmpty() || qstrcmp(context.category, "qt.qpa.plugin") != 0)
            reason = words.trimmed();
        return;
    }
    if (!isSet("DISPLAY") && !isSet("WAYLAND_DISPLAY") && !isSet(kPlatform))
        reason = QStringLiteral("there is no display");
    while (reason.endsWith(u'.'))
        reason.chop(1);
    QTextStream(stderr) << "bitmend: no window can be opened: " << reason
                        << "; bitmendctl does the same work in a terminal.\n";
    std::_Exit(1);
}

} // namespace

void prepareDisplay(Purpose purpose)
{
    if (!isSet(kPlatform)) {
        if (isSet("WAYLAND_DISPLAY")) {
            choose(isSet("DISPLAY") ? "wayland;xcb" : "wayland");
        } else if (!isSet("DISPLAY") && purpose == Purpose::Picture) {
            choose("offscreen");
        }
    }
    usual = qInstallMessageHandler(hearComplaints);
}

void settleDisplay()
{
    qInstallMessageHandler(usual);
    for (const QString& words : std::as_const(withdrawn))
        QTextStream(stderr) << words << '\n';
    if (chosenByUs)
        qunsetenv(kPlatform);
}

} // namespace bitmend
