// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/source_page.h"

#include "ui/text.h"
#include "ui/widgets/elided_label.h"

#include <QCoreApplication>
#include <QPushButton>
#include <QVBoxLayout>

namespace bitmend {

namespace {

QString tr(const char* pattern) { return QCoreApplication::translate("SourcePage", pattern); }

QString describe(const FoundSuperblock& found, const std::string& source)
{
    const auto& superblock = *found.superblock;
    const QString version = QString::fromUtf8(toString(superblock.version).data());
    QString sentence = found.leftBehind
                           ? tr("Left behind at sector %3: a superblock %1 of a %2 array.")
                           : tr("A superblock %1 of a %2 array at sector %3.");
    sentence =
        sentence.arg(version, levelText(superblock.level), numberText(superblock.location.count));
    sentence += u' ' + tr("Events %1, last update %2 UTC.")
                           .arg(numberText(superblock.events), timeText(superblock.utime));
    if (found.leftBehind) {
        sentence += u' ' + tr("It is not where a member keeps its superblock, so it makes this "
                              "source no member.");
    }
    if (found.ambiguous) {
        sentence += u' ' + tr("It is seen through the disk and through its last partition alike; "
                              "%1 is the likelier member.")
                               .arg(QString::fromStdString(found.likelier));
    }
    if (found.bitmapError)
        sentence += u' ' + text(*found.bitmapError);
    for (const auto& problem : found.problems)
        sentence += u' ' + text(bitmend::sentence(problem, source));
    return sentence;
}

} // namespace

QStringList findingsOf(const SourceReport& report)
{
    QStringList findings;
    if (report.error)
        findings += text(*report.error);
    for (const auto& found : report.found)
        findings += describe(found, report.path);
    if (report.partitionsAreContent) {
        findings += tr("The partition table at its start is the array's content: its partitions "
                       "are those of the array, not of this member.");
    }
    if (report.externalBitmap) {
        findings += tr("This file is the write-intent bitmap of an array, kept outside its "
                       "members.");
    }
    for (const auto& partition : report.partitions) {
        const QString name = nameOf(partition.path);
        const QString size = sizeText(partition.sizeBytes);
        findings += tr("Partition %1, %2: %3").arg(name, size, findingsOf(partition).join(u' '));
    }
    if (!findings.isEmpty())
        return findings;
    if (!report.content.type.empty()) {
        return {tr("No RAID superblock. It holds %1 directly.")
                .arg(QString::fromStdString(report.content.type))};
    }
    return {tr("No RAID superblock and nothing else that is known. A blank disk of the right size "
               "can be hot-added to a degraded array.")};
}

SourcePage::SourcePage(QWidget* parent)
    : QWidget(parent)
    , m_title(new ElidedLabel(this))
    , m_subtitle(new ElidedLabel(this))
    , m_found(new QLabel(this))
    , m_showArray(new QPushButton(this))
{
    setObjectName(QStringLiteral("sourcePage"));
    QFont big = font();
    big.setPointSizeF(font().pointSizeF() * 1.55);
    big.setWeight(QFont::Bold);
    m_title->setFont(big);
    m_title->setTextFormat(Qt::PlainText);
    m_subtitle->setTextFormat(Qt::PlainText);
    m_subtitle->setForegroundRole(QPalette::PlaceholderText);
    m_found->setWordWrap(true);
    m_found->setTextFormat(Qt::PlainText);
    m_found->setObjectName(QStringLiteral("findings"));
    m_found->setAccessibleName(SourcePage::tr("What was found"));
    m_found->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    connect(m_showArray, &QPushButton::clicked, this, [this] { emit arrayAsked(m_array); });

    auto* page = new QVBoxLayout(this);
    page->setContentsMargins(22, 16, 22, 16);
    page->setSpacing(2);
    page->addWidget(m_title);
    page->addWidget(m_subtitle);
    page->addSpacing(16);
    page->addWidget(m_found);
    page->addSpacing(16);
    page->addWidget(m_showArray, 0, Qt::AlignLeft);
    page->addStretch(1);
}

void SourcePage::setSource(const ScannedSource& source, const std::vector<ArrayView>& arrays)
{
    m_path = source.path;
    m_title->setText(nameOf(source.path, source.label));
    QString subtitle = pathText(source.path);
    if (source.report && source.report->sizeBytes > 0)
        subtitle = sizeText(source.report->sizeBytes) + QStringLiteral(" \u00b7 ") + subtitle;
    m_subtitle->setText(subtitle);
    m_found->setText(source.report ? findingsOf(*source.report).join(QStringLiteral("\n\n"))
                                   : SourcePage::tr("It is being read\u2026"));

    m_showArray->hide();
    for (const auto& array : arrays) {
        for (const auto& member : array.report.members) {
            if (member.path != source.path && !member.path.starts_with(source.path + "#"))
                continue;
            m_array = array.report.uuid;
            m_showArray->setText(
                SourcePage::tr("Show array %1").arg(QString::fromStdString(array.report.name)));
            m_showArray->show();
        }
    }
}

} // namespace bitmend
