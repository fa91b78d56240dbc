# SPDX-License-Identifier: BSD-2-Clause
#
# Content codings: decoding what a server has sent, by zlib and by the programs
# brotli and zstd.
#
#     my ($plain, $wrong) = decode('br', $r->body);      # $wrong: '' is good

package Weir::Coding;

use strict;
use warnings;

use Compress::Raw::Zlib;
use Exporter 'import';
use File::Temp ();

our @EXPORT = qw(decode can_decode load_brotli);

my %program = (br => 'brotli', zstd => 'zstd');

# can_decode($coding): whether its program is there; also for that of another
# name.
sub can_decode {
    my ($coding) = @_;
    my $name = $program{$coding} // $coding;

    return 1 if $coding eq 'gzip';
    return grep { -x "$_/$name" } split /:/, $ENV{PATH};
}

# decode($coding, $bytes): what they stand for, and what is wrong with them.
sub decode {
    my ($coding, $bytes) = @_;

    return ($bytes, '') if $coding eq 'identity';
    return $coding eq 'gzip' ? gunzip($bytes)
                             : run($program{$coding}, $bytes);
}

sub gunzip {
    my ($in) = @_;
    my $z = Compress::Raw::Zlib::Inflate->new(-WindowBits => WANT_GZIP,
                                              -AppendOutput => 1);
    my $out = '';
    my $status = $z->inflate($in, $out);

    return ($out, $status == Z_STREAM_END && $in eq ''
                  ? '' : "$status, " . length $in);
}

sub run {
    my ($command, $bytes) = @_;
    my $file = File::Temp->new(UNLINK => 1);

    print {$file} $bytes;
    $file->flush;
    open my $pipe, '-|', "timeout 20 $command -dc <" . $file->filename
        . ' 2>/dev/null' or die "$command: $!\n";
    binmode $pipe;
    my $out = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($out, $? == 0 ? '' : "$command: $?");
}

# load_brotli($is_oracle, @names): for configurations, what loads the modules
# (filter, static) into an nginx; undef: it has none.
sub load_brotli {
    my ($is_oracle, @names) = @_;
    my @files = map { "/usr/lib/nginx/modules/ngx_http_brotli_${_}_module.so" }
        @names;

    return '' if !$is_oracle;
    return (grep { !-e } @files) ? undef : join '', map { "load_module $_;\n" }
        @files;
}

1;
