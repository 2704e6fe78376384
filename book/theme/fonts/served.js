// Nothing to do in a page from a disk or from another server. The workbook's own server answers
// this name with a script that loads the page again when the book was built again.
