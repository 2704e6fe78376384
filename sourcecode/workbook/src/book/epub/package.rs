//! What an e-book says of itself: its title, its language, its files and its contents.

use std::time::SystemTime;

use mdbook_driver::config::BookConfig;
use time::OffsetDateTime;

use super::super::edition::Edition;
use super::super::html::escape;
use super::chapter::Chapter;

/// Where the description is.
pub const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"#;

/// An e-book, as it is described.
pub struct Package<'a> {
    /// What `book.toml` says of the book.
    pub settings: &'a BookConfig,
    /// Its language.
    pub edition: &'a Edition,
    /// Its pages.
    pub chapters: &'a [Chapter],
}

impl Package<'_> {
    /// The list of all files, with what is said of the whole.
    pub fn description(&self, made: SystemTime) -> String {
        let code = self.edition.code;
        let mut files = String::new();
        let mut order = String::new();
        for (index, chapter) in self.chapters.iter().enumerate() {
            let drawn = if chapter.text.contains("<svg") { " properties=\"svg\"" } else { "" };
            let file = &chapter.file;
            files += &format!(
                "<item id=\"page-{index}\" href=\"{file}\" media-type=\"application/xhtml+xml\"{drawn}/>\n"
            );
            order += &format!("<itemref idref=\"page-{index}\"/>\n");
        }
        let authors: String = self
            .settings
            .authors
            .iter()
            .map(|author| format!("<dc:creator>{}</dc:creator>\n", escape(author)))
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <package xmlns=\"http://www.idpf.org/2007/opf\" version=\"3.0\" unique-identifier=\"id\" \
             xml:lang=\"{code}\">\n\
             <metadata xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n\
             <dc:identifier id=\"id\">urn:beaker-workbook:{code}</dc:identifier>\n\
             <dc:title>{}</dc:title>\n<dc:description>{}</dc:description>\n{authors}\
             <dc:language>{code}</dc:language>\n\
             <meta property=\"dcterms:modified\">{}</meta>\n</metadata>\n<manifest>\n\
             <item id=\"style\" href=\"style.css\" media-type=\"text/css\"/>\n\
             <item id=\"contents\" href=\"contents.xhtml\" media-type=\"application/xhtml+xml\" \
             properties=\"nav\"/>\n\
             <item id=\"title\" href=\"title.xhtml\" media-type=\"application/xhtml+xml\"/>\n\
             {files}</manifest>\n<spine>\n<itemref idref=\"title\"/>\n<itemref idref=\"contents\"/>\n\
             {order}</spine>\n</package>\n",
            self.words(),
            escape(self.settings.description.as_deref().unwrap_or_default()),
            moment(made),
        )
    }

    /// The first page.
    pub fn title(&self) -> String {
        let description = escape(self.settings.description.as_deref().unwrap_or_default());
        let authors = escape(&self.settings.authors.join(", "));
        self.page(
            self.settings.title.as_deref().unwrap_or_default(),
            &format!(
                "<section class=\"title\"><h1>{}</h1>\n<p>{description}</p>\n<p>{authors}</p></section>",
                self.words()
            ),
        )
    }

    /// The contents, for the reader's eye and for the reading device.
    pub fn contents(&self) -> String {
        let mut list = String::new();
        for chapter in self.chapters {
            if let Some(part) = &chapter.part {
                list += &format!("</ol></li>\n<li><span>{}</span><ol>\n", escape(part));
            }
            let (file, name) = (&chapter.file, escape(&chapter.name));
            list += &format!("<li><a href=\"{file}\">{name}</a></li>\n");
        }
        let (title, heading) = (self.words(), self.edition.contents);
        self.page(
            heading,
            &format!(
                "<nav epub:type=\"toc\" id=\"toc\"><h1>{heading}</h1>\n<ol>\n\
                 <li><a href=\"title.xhtml\">{title}</a><ol>\n{list}</ol></li>\n</ol></nav>"
            ),
        )
    }

    /// A page with this title and this text.
    pub fn page(&self, title: &str, text: &str) -> String {
        let code = self.edition.code;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE html>\n\
             <html xmlns=\"http://www.w3.org/1999/xhtml\" xmlns:epub=\"http://www.idpf.org/2007/ops\" \
             lang=\"{code}\" xml:lang=\"{code}\">\n<head><title>{}</title>\
             <link rel=\"stylesheet\" href=\"style.css\"/></head>\n<body>\n{text}\n</body>\n</html>\n",
            escape(title)
        )
    }

    fn words(&self) -> String {
        escape(self.settings.title.as_deref().unwrap_or_default())
    }
}

/// To the second, in the form that EPUB asks for.
fn moment(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (year, month, day) = time.to_calendar_date();
    let (hour, minute, second) = time.to_hms();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
