// SPDX-License-Identifier: Apache-2.0
#include "app/window_program.h"

#include "app/display.h"
#include "ui/icon.h"
#include "ui/main_window.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QElapsedTimer>
#include <QTextStream>
#include <QTimer>

#include <memory>

namespace bitmend {

namespace {

constexpr int kGiveUpMilliseconds = 60'000;

struct CommandLine
{
    QStringList images;
    QString screenshot;
    bool demo = false;
};

void describe(QCommandLineParser& parser)
{
    parser.setApplicationDescription(QStringLiteral(
        "Looks at the members of a Linux software RAID, says what is wrong with the array,\n"
        "and mends it from its write-intent bitmaps. The members are only read."));
    parser.addHelpOption();
    parser.addVersionOption();
    parser.addOptions({
        {QStringLiteral("demo"), QStringLiteral("Open the demo array that comes with Bitmend.")},
        {QStringLiteral("screenshot"),
            QStringLiteral("Read the images, draw the window into FILE (PNG) and exit; needs no "
                           "display."),
            QStringLiteral("FILE")},
    });
    parser.addPositionalArgument(QStringLiteral("IMAGE"),
        QStringLiteral("Images, folders of images or devices to open."),
        QStringLiteral("[IMAGE...]"));
}

// Before QApplication exists: --help and --version need no display. Exits when the answer is given.
CommandLine parse(int argc, char** argv)
{
    QStringList arguments;
    for (int i = 0; i < argc; ++i)
        arguments += QString::fromLocal8Bit(argv[i]);
    // Without an application object the parser asks it for its name in vain and says so; hence a
    // core one, for as long as it takes.
    const QCoreApplication application(argc, argv);
    QCommandLineParser parser;
    describe(parser);
    parser.process(arguments);
    return {parser.positionalArguments(), parser.value(QStringLiteral("screenshot")),
        parser.isSet(QStringLiteral("demo"))};
}

// Draws the window once everything is read.
void drawWhenRead(MainWindow& window, const QString& file)
{
    auto* timer = new QTimer(&window);
    auto clock = std::make_shared<QElapsedTimer>();
    clock->start();
    timer->callOnTimeout(&window, [&window, file, timer, clock] {
        if (!window.isIdle() && clock->elapsed() < kGiveUpMilliseconds)
            return;
        timer->stop();
        const bool saved = window.grab().save(file, "PNG");
        if (!saved) {
            QTextStream(stderr) << "bitmend: the screenshot could not be written to " << file
                                << '\n';
        }
        window.close();
        QApplication::exit(saved ? 0 : 1);
    });
    timer->start(100);
}

} // namespace

int runWindow(int argc, char** argv)
{
    QCoreApplication::setApplicationName(QStringLiteral("bitmend"));
    QCoreApplication::setApplicationVersion(QStringLiteral(BITMEND_VERSION));
    QCoreApplication::setOrganizationName(QStringLiteral("bitmend"));
    QGuiApplication::setApplicationDisplayName(QStringLiteral("Bitmend"));
    QGuiApplication::setDesktopFileName(QStringLiteral("io.github.bitmend.Bitmend"));

    const CommandLine line = parse(argc, argv);
    prepareDisplay(line.screenshot.isEmpty() ? Purpose::Window : Purpose::Picture);
    QApplication application(argc, argv);
    settleDisplay();
    QApplication::setWindowIcon(applicationIcon());

    Engine engine;
    MainWindow window(engine);
    window.show();
    // From inside the event loop: a message box that comes up must not outlive the wish to exit.
    QTimer::singleShot(0, &window, [&window, &line] {
        if (!line.images.isEmpty())
            window.open(line.images);
        if (line.demo)
            window.openDemo();
    });
    if (!line.screenshot.isEmpty())
        drawWhenRead(window, line.screenshot);
    return QApplication::exec();
}

} // namespace bitmend
