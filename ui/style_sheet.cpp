// SPDX-License-Identifier: Apache-2.0
#include "ui/style_sheet.h"

#include "ui/appearance.h"

#include <utility>

namespace bitmend {

namespace {

// @name is replaced by a colour.
constexpr auto kSheet = R"(
QMenuBar { background: @base; padding: 3px 6px; }
QMenuBar::item { padding: 5px 9px; border-radius: 5px; background: transparent; }
QMenuBar::item:selected { background: @hover; }
QToolBar { background: @base; border: none; border-bottom: 1px solid @line;
    padding: 5px 12px 9px 12px; spacing: 8px; }
QToolBar::separator { background: @line; width: 1px; margin: 4px 6px; }
QToolBar QToolButton, QPushButton { background: @button; color: @text; border: 1px solid @outline;
    border-radius: 6px; padding: 6px 13px; }
QToolBar QToolButton:hover, QPushButton:hover { background: @hover; }
QToolBar QToolButton:pressed, QPushButton:pressed { background: @pressed; }
QToolBar QToolButton:disabled, QPushButton:disabled { color: @faint; border-color: @line;
    background: transparent; }
QToolBar QToolButton:focus, QPushButton:focus { border-color: @accent; }
QPushButton[primary="true"] { background: @accent; color: @onAccent; border-color: @accent;
    font-weight: 600; padding: 7px 15px; }
QPushButton[primary="true"]:hover { background: @accentHover; }
QPushButton[primary="true"]:focus { border-color: @text; }
QPushButton[primary="true"]:disabled { background: @pressed; color: @faint;
    border-color: @pressed; }
QPushButton[primary="true"][busy="true"]:disabled { background: @accentDim; color: @onAccent;
    border-color: @accentDim; }
QRadioButton::indicator { width: 12px; height: 12px; border: 1px solid @muted;
    border-radius: 7px; background: @base; }
QRadioButton::indicator:checked { width: 6px; height: 6px; border: 4px solid @check;
    background: @mark; }
QTreeView::indicator, QCheckBox::indicator { width: 12px; height: 12px; border: 1px solid @muted;
    border-radius: 3px; background: @base; }
QTreeView::indicator:checked, QCheckBox::indicator:checked { border-color: @check;
    background: @check; image: url(:/icons/check.xpm); }
QSplitter::handle { background: @line; }
QTabWidget::pane { border: none; border-top: 1px solid @line; top: -1px; }
QTabBar { qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: @muted; border: none;
    border-bottom: 2px solid transparent; padding: 7px 2px 6px 2px; margin-right: 22px; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QTabBar::tab:hover { color: @text; }
QTabBar::tab:focus { color: @accent; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: transparent; color: @muted; border: none;
    border-bottom: 1px solid @line; padding: 6px 8px 6px 0px; }
QTableView QHeaderView::section { padding-left: 3px; }
QDialog QHeaderView::section { padding: 6px 6px 6px 3px; }
QDialog QTreeView, QDialog QListView, QDialog QLineEdit { border: 1px solid @line;
    border-radius: 6px; background: @base; }
QDialog QLineEdit { padding: 5px 7px; }
QDialog QLineEdit:focus, QDialog QTreeView:focus, QDialog QListView:focus {
    border-color: @accent; }
QDialog QTreeView::item, QDialog QListView::item { padding: 3px 2px; }
QProgressBar { background: @line; border: none; border-radius: 4px; max-height: 8px;
    min-height: 8px; }
QProgressBar::chunk { background: @accent; border-radius: 4px; }
QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar::handle:vertical { background: @outline; border-radius: 4px; min-height: 32px;
    margin: 1px 2px; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle:horizontal { background: @outline; border-radius: 4px; min-width: 32px;
    margin: 2px 1px; }
QScrollBar::handle:hover { background: @muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMessageBox#closeQuestion QLabel#qt_msgbox_label { font-weight: 600; }
QLabel#qt_msgbox_label, QLabel#qt_msgbox_informativelabel { min-width: 360px; }
QToolTip { background: @base; color: @text; border: 1px solid @outline; padding: 5px 7px; }
)";

} // namespace

QString styleSheet(const QPalette& palette)
{
    const QColor base = palette.color(QPalette::Base);
    const QColor window = palette.color(QPalette::Window);
    const QColor text = palette.color(QPalette::WindowText);
    const QColor accent = palette.color(QPalette::Highlight);
    const std::pair<QLatin1String, QColor> colors[] = {
        // The longer of two names that begin alike comes first.
        {QLatin1String("@accentHover"), blend(accent, text, 0.14)},
        {QLatin1String("@accentDim"), blend(accent, window, 0.22)},
        {QLatin1String("@accent"), accent},
        {QLatin1String("@onAccent"), palette.color(QPalette::HighlightedText)},
        {QLatin1String("@outline"), blend(base, text, 0.19)},
        {QLatin1String("@base"), base},
        {QLatin1String("@button"), palette.color(QPalette::Button)},
        {QLatin1String("@hover"), blend(palette.color(QPalette::Button), text, 0.06)},
        {QLatin1String("@pressed"), blend(palette.color(QPalette::Button), text, 0.13)},
        {QLatin1String("@line"), hairline(palette)},
        {QLatin1String("@muted"), mutedText(palette)},
        {QLatin1String("@check"), QColor(0x00, 0x72, 0xb2)}, // on it, white is readable everywhere
        {QLatin1String("@mark"), Qt::white},
        {QLatin1String("@faint"), blend(text, window, 0.58)},
        {QLatin1String("@text"), text},
    };
    QString sheet = QLatin1String(kSheet);
    for (const auto& [name, color] : colors)
        sheet.replace(name, color.name());
    return sheet;
}

} // namespace bitmend
