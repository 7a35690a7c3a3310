// SPDX-License-Identifier: Apache-2.0
// Drives the real window as a person does: finds what is on the screen by its name, clicks it,
// waits until the window rests, and leaves a picture of what was seen.
#pragma once

#include "ui/appearance.h"
#include "ui/dialogs/assembly_dialog.h"
#include "ui/main_window.h"

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QDir>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QPointer>
#include <QPushButton>
#include <QRadioButton>
#include <QTemporaryDir>
#include <QTest>
#include <QTimer>
#include <QToolBar>
#include <QToolButton>

#include <functional>
#include <memory>

namespace bitmend::test {

// Milliseconds: for a busy machine and the sanitizers; what is waited for comes in a moment
// elsewhere.
inline constexpr int kPatience = 60'000;

// Settings, demo and overlays of this test process in a folder of its own. Before QApplication.
inline void useOwnHome()
{
    static const QTemporaryDir home;
    qputenv("XDG_DATA_HOME", home.path().toLocal8Bit());
    qputenv("XDG_CONFIG_HOME", home.path().toLocal8Bit());
    qputenv("HOME", home.path().toLocal8Bit());
    QCoreApplication::setApplicationName(QStringLiteral("bitmend"));
    QCoreApplication::setOrganizationName(QStringLiteral("bitmend"));
}

inline void picture(QWidget& window, const QString& name)
{
    QDir().mkpath(QStringLiteral(BITMEND_SCREENSHOTS));
    for (const auto scheme : {Scheme::Dark, Scheme::Light}) {
        applyScheme(scheme);
        QTest::qWait(1);
        const QString scale = window.devicePixelRatioF() > 1 ? QStringLiteral("@2x") : QString();
        const QString color =
            scheme == Scheme::Dark ? QStringLiteral("dark") : QStringLiteral("light");
        window.grab().save(
            QStringLiteral(BITMEND_SCREENSHOTS "/window-%1-%2%3.png").arg(name, color, scale));
    }
}

// Of several, as of jobs, the newest.
template <typename Widget> Widget* named(QWidget& in, const char* name)
{
    Widget* found = nullptr;
    for (auto* widget : in.findChildren<Widget*>(QLatin1String(name))) {
        if (widget->isVisibleTo(in.window()))
            found = widget;
    }
    return found;
}

inline void click(QAbstractButton* button)
{
    QVERIFY2(button, "the button is not there");
    QVERIFY2(button->isEnabled(), qPrintable(button->text()));
    // Not the middle: a radio button in a wide row listens only where its words are.
    QTest::mouseClick(button, Qt::LeftButton, {}, QPoint(12, button->height() / 2));
}

inline ArrayView shown(const Engine& engine, const Uuid& uuid)
{
    return engine.array(uuid).value_or(ArrayView{});
}

inline QAction& action(QMainWindow& window, const char* name)
{
    return *window.findChild<QAction*>(QLatin1String(name));
}

// The tool bar's button of an action.
inline QToolButton* toolButton(QMainWindow& window, const char* name)
{
    auto* bar = window.findChild<QToolBar*>();
    return qobject_cast<QToolButton*>(bar->widgetForAction(&action(window, name)));
}

inline std::unique_ptr<MainWindow> showWindow(Engine& engine)
{
    auto window = std::make_unique<MainWindow>(engine);
    window->show();
    [&window] {
        QVERIFY(QTest::qWaitForWindowExposed(window.get()));
    }();
    return window;
}

// On a folder of images, when it has looked at them.
inline std::unique_ptr<MainWindow> openWindow(Engine& engine, const QString& folder)
{
    auto window = showWindow(engine);
    window->open({folder});
    [&] {
        QTRY_VERIFY_WITH_TIMEOUT(!engine.arrays().empty() && window->isIdle(), kPatience);
    }();
    return window;
}

// Calls `act` with the next modal dialog of this kind, as soon as it is up.
template <typename Dialog> void whenAsked(QObject& context, std::function<void(Dialog&)> act)
{
    auto* timer = new QTimer(&context);
    timer->callOnTimeout(&context, [timer, act = std::move(act)] {
        const QPointer<Dialog> dialog = qobject_cast<Dialog*>(QApplication::activeModalWidget());
        if (!dialog)
            return;
        timer->stop();
        timer->deleteLater();
        act(*dialog);
        // A check that did not hold must not leave the test waiting for this dialog.
        if (dialog && dialog->isVisible() && QTest::currentTestFailed())
            dialog->reject();
    });
    timer->start(10);
}

// Assembles the chosen array as the review dialog offers it, with its overlays in this folder, or
// in place.
inline void assembleChosen(MainWindow& window, const QString& overlays, bool inPlace = false)
{
    whenAsked<AssemblyDialog>(window, [&overlays, inPlace](AssemblyDialog& dialog) {
        auto* folder = named<QLineEdit>(dialog, "overlayFolder");
        folder->setText(overlays);
        emit folder->editingFinished();
        if (inPlace) {
            click(named<QRadioButton>(dialog, "inPlace"));
            click(named<QCheckBox>(dialog, "seenWrites"));
        }
        auto* button = named<QPushButton>(dialog, "assembleNow");
        QTRY_VERIFY_WITH_TIMEOUT(button->isEnabled(), kPatience);
        click(button);
    });
    click(toolButton(window, "assemble"));
    QTRY_VERIFY_WITH_TIMEOUT(window.isIdle(), kPatience);
}

// Calls `act` with the next menu that pops up.
inline void whenMenuIsUp(QObject& context, std::function<void(QMenu&)> act)
{
    auto* timer = new QTimer(&context);
    timer->callOnTimeout(&context, [timer, act = std::move(act)] {
        const QPointer<QMenu> menu = qobject_cast<QMenu*>(QApplication::activePopupWidget());
        if (!menu)
            return;
        timer->stop();
        timer->deleteLater();
        act(*menu);
        if (menu && menu->isVisible())
            menu->close();
    });
    timer->start(10);
}

} // namespace bitmend::test
