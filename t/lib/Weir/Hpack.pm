# SPDX-License-Identifier: BSD-2-Clause
#
# Field blocks of HTTP/2 (RFC 7541): a decoder, and an encoder that uses no
# table, so that each name goes out as it is given.

package Weir::Hpack;

use strict;
use warnings;

# Appendix B, by the length of the codes; within a length they follow each other.
my @codes = (
    [5, '48,49,50,97,99,101,105,111,115,116'],
    [6, '32,37,45,46,47,51-57,61,65,95,98,100,102-104,108-110,112,114,117'],
    [7, '58,66-87,89,106,107,113,118-122'], [8, '38,42,44,59,88,90'],
    [10, '33,34,40,41,63'], [11, '39,43,124'], [12, '35,62'],
    [13, '0,36,64,91,93,126'], [14, '94,125'], [15, '60,96,123'],
    [19, '92,195,208'], [20, '128,130,131,162,184,194,224,226'],
    [21, '153,161,167,172,176,177,179,209,216,217,227,229,230'],
    [22, '129,132-134,136,146,154,156,160,163,164,169,170,173,178,181,185-187,'
        . '189,190,196,198,228,232,233'],
    [23, '1,135,137-141,143,147,149-152,155,157,158,165,166,168,174,175,180,'
        . '182,183,188,191,197,231,239'],
    [24, '9,142,144,145,148,159,171,206,215,225,236,237'],
    [25, '199,207,234,235'],
    [26, '192,193,200-202,205,210,213,218,219,238,240,242,243,255'],
    [27, '203,204,211,212,214,221-223,241,244-254'],
    [28, '2-8,11,12,14-21,23-31,127,220,249'], [30, '10,13,22'],
);
my %code;

# Appendix A.
my @static = ('', map { [split /\|/, s/_/ /gr, 2] } split / /,
    ':authority| :method|GET :method|POST :path|/ :path|/index.html '
    . ':scheme|http :scheme|https :status|200 :status|204 :status|206 '
    . ':status|304 :status|400 :status|404 :status|500 accept-charset| '
    . 'accept-encoding|gzip,_deflate accept-language| accept-ranges| accept| '
    . 'access-control-allow-origin| age| allow| authorization| cache-control| '
    . 'content-disposition| content-encoding| content-language| '
    . 'content-length| content-location| content-range| content-type| cookie| '
    . 'date| etag| expect| expires| from| host| if-match| if-modified-since| '
    . 'if-none-match| if-range| if-unmodified-since| last-modified| link| '
    . 'location| max-forwards| proxy-authenticate| proxy-authorization| range| '
    . 'referer| refresh| retry-after| server| set-cookie| '
    . 'strict-transport-security| transfer-encoding| user-agent| vary| via| '
    . 'www-authenticate|');

{
    my ($next, $before) = (0, 0);
    for my $row (@codes) {
        $next <<= $row->[0] - $before;
        $before = $row->[0];
        for my $part (split /,/, $row->[1]) {
            my ($from, $to) = split /-/, $part;
            $code{ sprintf '%0*b', $before, $next++ } = chr
                for $from .. $to // $from;
        }
    }
}

sub new { return bless { table => [], size => 0, most => 4096 }, $_[0] }

# number($value, $bits, $first)
sub number {
    my ($v, $bits, $first) = @_;
    my $top = (1 << $bits) - 1;

    return chr($first | $v) if $v < $top;
    my $out = chr($first | $top);
    for ($v -= $top; $v >= 128; $v >>= 7) {
        $out .= chr($v & 127 | 128);
    }
    return $out . chr $v;
}

# encode(name => value, ...): literals without indexing.
sub encode {
    my @fields = @_;
    my $out = '';

    while (my ($name, $value) = splice @fields, 0, 2) {
        $out .= "\0" . join '', map { number(length, 7, 0) . $_ } $name, $value;
    }
    return $out;
}

sub take_number {
    my ($in, $bits) = @_;
    my $top = (1 << $bits) - 1;
    my $v = ord(substr $$in, 0, 1, '') & $top;

    return $v if $v < $top;
    for (my $shift = 0;; $shift += 7) {
        my $byte = ord substr $$in, 0, 1, '';
        $v += ($byte & 127) << $shift;
        return $v if $byte < 128;
    }
}

sub take_text {
    my ($in) = @_;
    my $packed = ord($$in) & 128;
    my $text = substr $$in, 0, take_number($in, 7), '';

    return $text if !$packed;
    my ($bits, $out, $at) = (unpack('B*', $text), '', '');
    for my $bit (split //, $bits) {
        $at .= $bit;
        next if !exists $code{$at};
        $out .= $code{$at};
        $at = '';
    }
    return $out;
}

sub entry {
    my ($h, $i) = @_;

    return $static[$i] if $i < @static;
    return $h->{table}[$i - @static] // ['?', '?'];
}

sub add {
    my ($h, @field) = @_;

    unshift @{ $h->{table} }, [@field];
    my $size = 0;
    my $n = 0;
    for my $f (@{ $h->{table} }) {
        $size += 32 + length($f->[0]) + length $f->[1];
        last if $size > $h->{most};
        $n++;
    }
    splice @{ $h->{table} }, $n;
}

# decode($block): (name, value, ...)
sub decode {
    my ($h, $in) = @_;
    my @out;

    while (length $in) {
        my $first = ord $in;
        if ($first & 128) {
            push @out, @{ $h->entry(take_number(\$in, 7)) };
        } elsif (($first & 0xe0) == 0x20) {
            $h->{most} = take_number(\$in, 5);
        } else {
            my $keeps = $first & 64;
            my $i = take_number(\$in, $keeps ? 6 : 4);
            my $name = $i ? $h->entry($i)->[0] : take_text(\$in);
            my $value = take_text(\$in);
            $h->add($name, $value) if $keeps;
            push @out, $name, $value;
        }
    }
    return @out;
}

1;
