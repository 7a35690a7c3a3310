// SPDX-License-Identifier: Apache-2.0
// The program itself, as a shell starts it.
#include <QFileInfo>
#include <QImage>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

class TestCommandLine : public QObject
{
    Q_OBJECT

private slots:
    void help_needsNoDisplay()
    {
        const auto [exit, output] = run({QStringLiteral("--help")}, QStringLiteral("xcb"));
        QCOMPARE(exit, 0);
        QVERIFY(output.contains("--screenshot"));
    }

    void version_needsNoDisplay()
    {
        const auto [exit, output] = run({QStringLiteral("--version")}, QStringLiteral("xcb"));
        QCOMPARE(exit, 0);
        QCOMPARE(output.trimmed(), QByteArray("bitmend " BITMEND_VERSION));
    }

    void unknownOption_isUsage()
    {
        const auto [exit, output] = run({QStringLiteral("--frobnicate")}, QStringLiteral("xcb"));
        QVERIFY(exit != 0);
    }

    void screenshot_isDrawnAfterTheScan()
    {
        const QTemporaryDir home;
        const QString file = home.filePath(QStringLiteral("shot.png"));
        const auto [exit, output] =
            run({QStringLiteral("--demo"), QStringLiteral("--screenshot"), file},
                QStringLiteral("offscreen"), home.path());
        QCOMPARE(exit, 0);
        const QImage image(file);
        QVERIFY(image.width() >= 800);
        int dirty = 0;
        for (int y = 0; y < image.height(); y += 3) {
            for (int x = 0; x < image.width(); x += 3)
                dirty += image.pixel(x, y) == 0xffe69f00 ? 1 : 0;
        }
        QVERIFY2(dirty > 50, "the heatmap of the demo is on it");
    }

    void screenshotThatCannotBeWritten_fails()
    {
        const QTemporaryDir home;
        const auto [exit, output] =
            run({QStringLiteral("--screenshot"), home.path() + QStringLiteral("/no/such/x.png")},
                QStringLiteral("offscreen"), home.path());
        QCOMPARE(exit, 1);
    }

    void screenshot_needsNoDisplay()
    {
        const QTemporaryDir home;
        const QString file = home.filePath(QStringLiteral("shot.png"));
        const auto [exit, output] = run({QStringLiteral("--screenshot"), file}, {}, home.path());
        QCOMPARE(exit, 0);
        QVERIFY(QFileInfo(file).size() > 5000);
    }

    void noDisplay_isOneSentence()
    {
        const auto [exit, output] = run({}, {});
        QCOMPARE(exit, 1);
        QCOMPARE(output, QByteArray("bitmend: no window can be opened: there is no display; "
                                    "bitmendctl does the same work in a terminal.\n"));
    }

    void displayThatIsNotThere_isOneSentence()
    {
        const auto [exit, output] = run({}, QStringLiteral("xcb"));
        QCOMPARE(exit, 1);
        QVERIFY2(output.contains("could not connect to display"), output);
        QCOMPARE(output.count('\n'), 1);
    }

    void demoWithoutAHome_ends()
    {
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("shot.png"));
        const auto [exit, output] =
            run({QStringLiteral("--demo"), QStringLiteral("--screenshot"), file},
                QStringLiteral("offscreen"), QStringLiteral("/proc"));
        QCOMPARE(exit, 0);
        QVERIFY(QFileInfo(file).size() > 5000);
    }

private:
    static std::pair<int, QByteArray> run(
        const QStringList& arguments, const QString& platform, const QString& home = {})
    {
        QProcess process;
        QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
        environment.insert(QStringLiteral("QT_QPA_PLATFORM"), platform);
        environment.remove(QStringLiteral("DISPLAY"));
        environment.remove(QStringLiteral("WAYLAND_DISPLAY"));
        if (!home.isEmpty()) {
            environment.insert(QStringLiteral("HOME"), home);
            environment.insert(QStringLiteral("XDG_DATA_HOME"), home);
            environment.insert(QStringLiteral("XDG_CONFIG_HOME"), home);
        }
        process.setProcessEnvironment(environment);
        process.setProcessChannelMode(QProcess::MergedChannels);
        process.start(
            QCoreApplication::applicationDirPath() + QStringLiteral("/bitmend"), arguments);
        process.waitForFinished(60'000);
        return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            process.readAllStandardOutput()};
    }
};

QTEST_GUILESS_MAIN(TestCommandLine)
#include "tst_command_line.moc"
