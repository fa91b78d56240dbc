# SPDX-License-Identifier: BSD-2-Clause
#
# Writes and reads MP4 films whose samples are texts:
#
#     my $film = mp4_film(faststart => 1, tracks => [
#         { timescale => 1000, samples => [[40, 'one', 'key'], [40, 'two']],
#           chunk => 3 } ]);
#     my ($head, @tracks) = mp4_read($film);
#
# A sample is [duration, bytes, is it a key frame, composition offset].  What is
# read has the same form, with edits => [[duration, media time], ...].

package Weir::MP4;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(mp4_film mp4_read mp4_atom);

sub mp4_atom {
    my ($name, @parts) = @_;
    my $bytes = join '', @parts;

    return pack('N a4', 8 + length $bytes, $name) . $bytes;
}

# table($name, \@entries, $template)
sub table {
    my ($name, $entries, $template) = @_;

    return mp4_atom($name, pack('N N', 0, scalar @$entries),
        map { pack $template, ref ? @$_ : $_ } @$entries);
}

# Runs of equal values: [count, value] ...
sub runs {
    my (@values) = @_;
    my @runs;

    for (@values) {
        if (@runs && $runs[-1][1] == $_) { $runs[-1][0]++ }
        else                            { push @runs, [1, $_] }
    }
    return \@runs;
}

# Chunks of a track: lists of samples, of so many each (a number, or a list).
sub chunks {
    my ($track) = @_;
    my @samples = @{ $track->{samples} };
    my @sizes = ref $track->{chunk} ? @{ $track->{chunk} } : $track->{chunk} // 1;
    my @chunks;

    while (@samples) {
        my $n = @sizes > 1 ? shift @sizes : $sizes[0];
        push @chunks, [splice @samples, 0, $n];
    }
    return @chunks;
}

sub trak {
    my ($number, $track, $offsets, $timescale) = @_;
    my @samples = @{ $track->{samples} };
    my $duration = 0;
    my ($i, @chunk_runs) = (0);
    my %same = map { length $_->[1] => 1 } @samples;
    my $is_uniform = $track->{uniform} && keys %same == 1;

    $duration += $_->[0] for @samples;
    for my $chunk (chunks($track)) {
        $i++;
        push @chunk_runs, [$i, scalar @$chunk, 1]
            if !@chunk_runs || $chunk_runs[-1][1] != @$chunk;
    }
    my @tables = (
        mp4_atom('stsd', pack('N N', 0, 1), mp4_atom('text', "\0" x 90)),
        table('stts', runs(map { $_->[0] } @samples), 'N N'),
        (grep { $_->[2] } @samples)
            ? table('stss', [map { $_ + 1 } grep { $samples[$_][2] }
                             0 .. $#samples], 'N') : (),
        (grep { defined $_->[3] } @samples)
            ? table('ctts', runs(map { $_->[3] // 0 } @samples), 'N N') : (),
        table('stsc', \@chunk_runs, 'N N N'),
        $is_uniform
            ? mp4_atom('stsz', pack 'N N N', 0, keys %same, scalar @samples)
            : mp4_atom('stsz', pack('N N N', 0, 0, scalar @samples),
                       map { pack 'N', length $_->[1] } @samples),
        $track->{co64} ? table('co64', $offsets, 'Q>')
                       : table('stco', $offsets, 'N'));
    my $film_duration = int $duration * $timescale / $track->{timescale};

    return mp4_atom('trak',
        $track->{v1}
            ? mp4_atom('tkhd', pack('C x3 Q> Q> N N Q>', 1, 0, 0, $number, 0,
                                    $film_duration), "\0" x 60)
            : mp4_atom('tkhd', pack('N N N N N N', 0, 0, 0, $number, 0,
                                    $film_duration), "\0" x 60),
        mp4_atom('mdia',
            $track->{v1}
                ? mp4_atom('mdhd', pack('C x3 Q> Q> N Q> N', 1, 0, 0,
                                        $track->{timescale}, $duration, 0))
                : mp4_atom('mdhd', pack('N N N N N N', 0, 0, 0,
                                        $track->{timescale}, $duration, 0)),
            mp4_atom('hdlr', "\0" x 24),
            mp4_atom('minf', mp4_atom('vmhd', "\0" x 12),
                     mp4_atom('dinf', mp4_atom('dref', pack 'N N', 0, 0)),
                     mp4_atom('stbl', @tables))));
}

sub mp4_film {
    my (%o) = @_;
    my $timescale = $o{timescale} // 600;
    my $ftyp = $o{no_ftyp} ? '' : mp4_atom('ftyp', 'isom', "\0\0\2\0", 'isom');
    my @chunks = map { [chunks($_)] } @{ $o{tracks} };
    my $longest = 0;
    my ($mdat, @at) = ('');

    for my $t (@{ $o{tracks} }) {
        my $d = 0;
        $d += $_->[0] for @{ $t->{samples} };
        $d = int $d * $timescale / $t->{timescale};
        $longest = $d if $d > $longest;
    }
    # the chunks of all tracks in turn
    for (my $i = 0; grep { $i < @$_ } @chunks; $i++) {
        for my $t (grep { $i < @{ $chunks[$_] } } 0 .. $#chunks) {
            push @{ $at[$t] }, length $mdat;
            $mdat .= join '', map { $_->[1] } @{ $chunks[$t][$i] };
        }
    }
    my $moov = sub {
        my ($base) = @_;
        mp4_atom('moov',
            mp4_atom('mvhd', pack('N N N N N', 0, 0, 0, $timescale, $longest),
                     "\0" x 80),
            (map { trak($_ + 1, $o{tracks}[$_],
                        [map { $_ + $base } @{ $at[$_] }], $timescale) }
             0 .. $#at),
            mp4_atom('udta', 'left out'));
    };
    my $head = $o{wide} ? pack('N a4 Q>', 1, 'mdat', 16 + length $mdat)
                        : pack('N a4', 8 + length $mdat, 'mdat');
    my $base = length($ftyp) + length $head;
    return $ftyp . $head . $mdat . $moov->($base) if !$o{faststart};
    return $ftyp . $moov->($base + length $moov->(0)) . $head . $mdat;
}

# atoms($bytes): a hash of lists of contents; 'order' has the names.
sub atoms {
    my ($bytes) = @_;
    my %found = (order => []);

    while (length $bytes >= 8) {
        my ($n, $name) = unpack 'N a4', $bytes;
        my $head = 8;

        ($n, $head) = (unpack('x8 Q>', $bytes), 16) if $n == 1;
        die "atom $name has $n bytes of " . length($bytes) . "\n"
            if $n < $head || $n > length $bytes;
        push @{ $found{$name} }, substr $bytes, $head, $n - $head;
        push @{ $found{order} }, $name;
        $bytes = substr $bytes, $n;
    }
    die "bytes follow the last atom\n" if length $bytes;
    return \%found;
}

sub unpack_table {
    my ($stbl, $name, $template, $size) = @_;
    my $bytes = ($stbl->{$name} // return)->[0];
    my $n = unpack 'x4 N', $bytes;

    die "$name: $n entries\n" if length $bytes != 8 + $n * $size;
    return map { [unpack $template, substr $bytes, 8 + $_ * $size, $size] }
        0 .. $n - 1;
}

sub unroll { return map { ($_->[1]) x $_->[0] } @_ }

sub read_track {
    my ($file, $trak) = @_;
    my $mdia = atoms($trak->{mdia}[0]);
    my $stbl = atoms(atoms($mdia->{minf}[0])->{stbl}[0]);
    my $v1 = unpack 'C', $mdia->{mdhd}[0];
    my ($timescale, $duration) = unpack $v1 ? 'x20 N Q>' : 'x12 N N',
        $mdia->{mdhd}[0];
    my @times = unroll(unpack_table($stbl, 'stts', 'N N', 8));
    my @offsets = unroll(unpack_table($stbl, 'ctts', 'N N', 8));
    my %key = map { $_->[0] => 1 } unpack_table($stbl, 'stss', 'N', 4);
    my @runs = unpack_table($stbl, 'stsc', 'N N N', 12);
    my @at = map { $_->[0] } $stbl->{co64}
        ? unpack_table($stbl, 'co64', 'Q>', 8)
        : unpack_table($stbl, 'stco', 'N', 4);
    my ($same, $n) = unpack 'x4 N N', $stbl->{stsz}[0];
    my @sizes = $same ? ($same) x $n : unpack 'x12 N*', $stbl->{stsz}[0];
    my @samples;

    die "stsz: " . @sizes . " sizes of $n\n" if @sizes != $n;
    for my $i (0 .. $#runs) {
        my $next = $i < $#runs ? $runs[$i + 1][0] : @at + 1;
        for my $chunk ($runs[$i][0] .. $next - 1) {
            my $at = $at[$chunk - 1];
            for (1 .. $runs[$i][1]) {
                my $size = $sizes[@samples] // die "more samples than sizes\n";
                die "a sample is outside of the file\n"
                    if $at + $size > length $$file;
                push @samples, [$times[@samples], substr($$file, $at, $size),
                                $key{ @samples + 1 } ? 'key' : '',
                                $offsets[@samples]];
                $at += $size;
            }
        }
    }
    my @edits;
    if ($trak->{edts}) {
        my $elst = atoms($trak->{edts}[0])->{elst}[0];
        @edits = map { [unpack 'Q> q>', substr $elst, 8 + $_ * 20, 16] }
            0 .. unpack('x4 N', $elst) - 1;
    }
    return { timescale => $timescale, duration => $duration,
             samples => \@samples, n_times => scalar @times, edits => \@edits,
             film_duration => scalar unpack(
                 unpack('C', $trak->{tkhd}[0]) ? 'x28 Q>' : 'x20 N',
                 $trak->{tkhd}[0]) };
}

# The atoms and durations of the film, and its tracks.  Dies if it is broken.
sub mp4_read {
    my ($bytes) = @_;
    my $file = atoms($bytes);
    my $moov = atoms($file->{moov}[0]);
    my ($timescale, $duration) = unpack 'x12 N N', $moov->{mvhd}[0];

    return ({ order => join(' ', @{ $file->{order} }),
              timescale => $timescale, duration => $duration },
            map { read_track(\$bytes, atoms($_)) } @{ $moov->{trak} });
}

1;
