# SPDX-License-Identifier: BSD-2-Clause
#
# Writes small databases of addresses in the format of MaxMind DB 2.0:
#
#     my $bytes = mmdb([ '10.0.0.0/8' => { name => 'ten' } ],
#                      build_epoch => \'uint64 1700000000', ip_version => ...);
#
# The first argument lists networks with their data, later ones standing out
# against earlier ones that hold them; the rest are fields of the metadata.
# Data: a hash is a map, an array an array, a text a string, and a reference
# to a text is "TYPE VALUE" (uint16 uint32 uint64 uint128 int32 boolean float
# double bytes; uint128 in hexadecimal digits).  IPv6 databases have IPv4
# networks under ::/96, and, with alias => 1, under ::ffff:0:0/96 too.

package Weir::Mmdb;

use strict;
use warnings;

use Exporter 'import';
use Socket qw(inet_pton AF_INET AF_INET6);

our @EXPORT = qw(mmdb);

my %number = (pointer => 1, string => 2, double => 3, bytes => 4, uint16 => 5,
              uint32 => 6, map => 7, int32 => 8, uint64 => 9, uint128 => 10,
              array => 11, boolean => 14, float => 15);

sub mmdb {
    my ($networks, %opt) = @_;
    my $version = $opt{ip_version} // 6;
    my $has_alias = delete $opt{alias};
    my ($data, $tree) = ('', [ undef, undef ]);

    my @networks = @$networks;
    while (my ($net, $value) = splice @networks, 0, 2) {
        insert($tree, path_of($net, $version), \length $data);
        $data .= encode($value);
    }
    if ($has_alias) {
        my $four = descend($tree, '0' x 96);
        my $last = descend($tree, '0' x 80 . '1' x 15);
        $last->[1] = $four;
    }
    my ($records, $n) = write_tree($tree);
    return $records . "\0" x 16 . $data . "\xab\xcd\xefMaxMind.com" . encode({
        node_count => \"uint32 $n",
        record_size => \'uint16 24',
        ip_version => \"uint16 $version",
        database_type => 'Weir-Test',
        languages => ['en'],
        binary_format_major_version => \'uint16 2',
        binary_format_minor_version => \'uint16 0',
        build_epoch => \'uint64 1234567890',
        description => { en => 'test' },
        %opt, ip_version => \"uint16 $version",
    });
}

# path_of('10.0.0.0/8', 6): the bits from the root of the tree.
sub path_of {
    my ($net, $version) = @_;
    my ($address, $length) = split m{/}, $net;
    my $is_six = $address =~ /:/;
    my $bits = unpack 'B*', inet_pton($is_six ? AF_INET6 : AF_INET, $address);

    $bits = substr $bits, 0, $length;
    return $is_six || $version == 4 ? $bits : '0' x 96 . $bits;
}

# A node is [zero, one], of nodes, references to offsets of data, or nothing.
sub descend {
    my ($node, $bits) = @_;

    for my $bit (split //, $bits) {
        my $next = $node->[$bit];
        $node->[$bit] = [ $next, $next ] if ref $next ne 'ARRAY';
        $node = $node->[$bit];
    }
    return $node;
}

sub insert {
    my ($node, $bits, $leaf) = @_;
    my $last = chop $bits;

    descend($node, $bits)->[$last] = $leaf;
}

# The records of all nodes, 24 bits each, and how many nodes there are.
sub write_tree {
    my ($root) = @_;
    my (@nodes, %index);
    my @queue = ($root);

    while (my $node = shift @queue) {
        next if exists $index{$node};
        $index{$node} = @nodes;
        push @nodes, $node;
        push @queue, grep { ref eq 'ARRAY' } @$node;
    }
    my $out = '';
    for my $record (map { $_->[0], $_->[1] } @nodes) {
        my $value = !defined $record ? @nodes
            : ref $record eq 'ARRAY' ? $index{$record}
            : @nodes + 16 + $$record;
        $out .= substr pack('N', $value), 1;
    }
    return ($out, scalar @nodes);
}

# encode($value): as it stands in the data section.
sub encode {
    my ($v) = @_;

    return field('string', length $v, $v) if !ref $v;
    return field('array', scalar @$v, join '', map { encode($_) } @$v)
        if ref $v eq 'ARRAY';
    return field('map', scalar keys %$v,
                 join '', map { encode($_), encode($v->{$_}) } sort keys %$v)
        if ref $v eq 'HASH';

    my ($type, $text) = split / /, $$v, 2;
    return field($type, $text ? 1 : 0, '') if $type eq 'boolean';
    my $bytes = $type eq 'bytes' ? $text
        : $type eq 'double' ? pack 'd>', $text
        : $type eq 'float' ? pack 'f>', $text
        : $type eq 'int32' ? pack 'l>', $text
        : $type eq 'uint128' ? pack 'H32', substr '0' x 32 . $text, -32
        : pack 'Q>', $text;
    $bytes =~ s/^\0+// if $type =~ /^uint/;
    return field($type, length $bytes, $bytes);
}

# A control byte or more, and what follows it.
sub field {
    my ($type, $size, $bytes) = @_;
    my $n = $number{$type} // die "no type $type\n";
    my $more = $n > 7 ? chr $n - 7 : '';

    if ($size >= 285) {
        $more .= pack 'n', $size - 285;
        $size = 30;
    } elsif ($size >= 29) {
        $more .= chr $size - 29;
        $size = 29;
    }
    return chr(($n > 7 ? 0 : $n) << 5 | $size) . $more . $bytes;
}

1;
