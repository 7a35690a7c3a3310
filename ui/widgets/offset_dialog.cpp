// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/offset_dialog.h"

#include "ui/widgets/heatmap_text.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QLineEdit>
#include <QLocale>
#include <QPushButton>
#include <QRegularExpression>
#include <QVBoxLayout>

#include <cmath>

namespace bitmend {

namespace {

constexpr double kExact = 9007199254740992; // beyond it a double skips whole numbers

std::optional<double> unitBytes(const QString& unit)
{
    static const QString letters = QStringLiteral("KMGTPE");
    if (unit.isEmpty() || unit == u'B')
        return 1;
    if (unit == u'S')
        return double(kSectorBytes);
    static const QRegularExpression multiple(QStringLiteral("^([KMGTPE])(IB|B)?$"));
    const auto match = multiple.match(unit);
    if (!match.hasMatch())
        return {};
    return std::pow(1024.0, double(letters.indexOf(match.captured(1)) + 1));
}

} // namespace

std::optional<std::uint64_t> parsePlace(const QString& text, const BitmapFrame& frame)
{
    // Spaces group digits, as everywhere in the window.
    QString packed = text.toUpper();
    packed.remove(QRegularExpression(QStringLiteral("[\\s\u202f\u00a0]")));
    if (packed.startsWith(u'#')) {
        bool ok = false;
        const std::uint64_t chunk = packed.mid(1).toULongLong(&ok);
        return ok && chunk < frame.chunks ? std::optional(chunk) : std::nullopt;
    }
    static const QRegularExpression form(QStringLiteral("^([0-9]+)([.,][0-9]+)?([A-Z]*)$"));
    const auto match = form.match(packed);
    const auto unit = match.hasMatch() ? unitBytes(match.captured(3)) : std::nullopt;
    if (!unit || frame.chunkBytes == 0)
        return {};
    bool ok = false;
    const std::uint64_t whole = match.captured(1).toULongLong(&ok);
    const double part = (u'0' + match.captured(2).replace(u',', u'.')).toDouble();
    if (!ok || double(whole) * *unit >= kExact * double(kSectorBytes))
        return {};
    const std::uint64_t bytes = whole * std::uint64_t(*unit) + std::uint64_t(part * *unit);
    const std::uint64_t chunk = bytes / frame.chunkBytes;
    return chunk < frame.chunks ? std::optional(chunk) : std::nullopt;
}

OffsetDialog::OffsetDialog(BitmapFramePtr frame, QWidget* parent)
    : QDialog(parent)
    , m_frame(std::move(frame))
    , m_place(new QLineEdit(this))
    , m_meaning(new QLabel(this))
{
    setWindowTitle(tr("Go to"));
    auto* label = new QLabel(tr("&Place in the array:"), this);
    label->setBuddy(m_place);
    m_place->setAccessibleName(tr("Place in the array"));
    m_place->setPlaceholderText(tr("294 GiB, 616562688s or #4711"));
    m_meaning->setForegroundRole(QPalette::PlaceholderText);
    m_meaning->setMinimumWidth(m_meaning->fontMetrics().averageCharWidth() * 52);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_go = buttons->addButton(tr("Go"), QDialogButtonBox::AcceptRole);
    m_go->setDefault(true);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 16, 16, 16);
    layout->setSpacing(10);
    for (QWidget* widget : {static_cast<QWidget*>(label), static_cast<QWidget*>(m_place),
             static_cast<QWidget*>(m_meaning), static_cast<QWidget*>(buttons)})
        layout->addWidget(widget);
    connect(m_place, &QLineEdit::textChanged, this, &OffsetDialog::look);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    look();
}

void OffsetDialog::look()
{
    const auto chunk = parsePlace(m_place->text(), *m_frame);
    m_go->setEnabled(chunk.has_value());
    if (chunk) {
        m_meaning->setText(heatmap::oneLine(*m_frame, {*chunk, *chunk}));
    } else if (m_place->text().trimmed().isEmpty()) {
        m_meaning->setText(tr("Bytes with a unit, sectors with s, a chunk with #."));
    } else {
        m_meaning->setText(
            tr("Not a place in this array, which has chunks #0 to #%1.").arg(m_frame->chunks - 1));
    }
}

std::uint64_t OffsetDialog::chunk() const
{
    return parsePlace(m_place->text(), *m_frame).value_or(0);
}

} // namespace bitmend
