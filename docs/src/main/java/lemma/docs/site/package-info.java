/// The handbook as static pages that need no server and no network.
///
/// [Site] builds it: [AnswerHtml] turns a page into HTML, [Layout] puts it into the frame, [Assets]
/// brings style sheet, scripts and the libraries for formulas, code and charts.
package lemma.docs.site;
