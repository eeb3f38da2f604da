// Package preflib reads and writes the files of PrefLib: orders of options, strict or with
// ties, complete or not (soc, soi, toc, toi), and options in categories (cat). A line is
// a count and an order, such as
//
//	12: 1,{2,3},4
//
// below a heading of lines that begin with #. Source: the format specification in
// PrefLib's repository of data.
package preflib
