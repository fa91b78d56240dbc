# SPDX-License-Identifier: BSD-2-Clause
#
# Certificates and TLS clients for tests: the openssl command and curl.
#
#     use Weir::TLS;
#
#     need_tls();
#     my $pki = Weir::TLS->new($t);           # files in %%TESTDIR%%/tls
#     $pki->ca('ca');                         # ca.pem, ca.key, signed by itself
#     $pki->issue('a', by => 'ca');           # a.pem, a.key for the name a.test
#     my $r = $t->s_client(...)               # see below

package Weir::TLS;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use POSIX ();
use Test::More ();

use Weir::Test ();

our @EXPORT = qw(need_tls openssl s_client curl);

# need_tls(): the file is skipped without TLS in the binary, or without the
# openssl command.
sub need_tls {
    Weir::Test::need_module('http_ssl');
    Test::More::plan(skip_all => 'no openssl')
        if system('openssl version >/dev/null 2>&1') != 0;
}

# run($input, @command): (what it prints, on both streams; its exit code); no
# longer than 20 seconds.
sub run {
    my ($input, @command) = @_;
    my $in = File::Temp->new;
    my $out = File::Temp->new;

    binmode $in;
    print $in $input;
    $in->flush;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN, '<', $in->filename;
        open STDOUT, '>', $out->filename;
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec 'timeout', Weir::Test::slow(20), @command;
        POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $code = $? >> 8;
    open my $text, '<', $out->filename or die "$!\n";
    binmode $text;
    local $/;
    return (scalar(<$text>) // '', $code);
}

# openssl(@args): what it prints; dies when it fails.
sub openssl {
    my ($text, $code) = run('', 'openssl', @_);

    die "openssl @_: $text\n" if $code != 0;
    return $text;
}

# s_client($port, $request, @args): all that openssl s_client prints, the
# session and the response.  The request asks for the end of the connection.
sub s_client {
    my ($port, $request, @args) = @_;
    my ($text) = run($request, qw(openssl s_client -ign_eof -connect),
                     "127.0.0.1:$port", @args);

    return $text;
}

# curl($url, @args): (body, status, exit code); the certificate is not checked
# unless --cacert is given, all names are on 127.0.0.1.
sub curl {
    my ($url, @args) = @_;
    my ($text, $code) = run('', qw(curl -s -k --noproxy *),
        '--connect-to', '::127.0.0.1:', '-w', "\n%{http_code}", @args, $url);

    return $text =~ /\A(.*)\n(\d+)\z/s ? ($1, $2, $code) : ($text, 0, $code);
}


# ---- certificates ----------------------------------------------------------

sub new {
    my ($class, $t) = @_;

    return bless { dir => $t->mkdir('tls'), serial => 4096 }, $class;
}

sub path { return "$_[0]{dir}/$_[1]" }

# How a key is made: ec (P-256, the default), rsa (2048 bits) or rsa4096, which has
# four primes, as two take seconds to be found.
sub key_args {
    my ($kind) = @_;

    return $kind eq 'rsa4096' ? ('-newkey', 'rsa:4096', '-pkeyopt', 'rsa_keygen_primes:4')
        : $kind eq 'rsa' ? ('-newkey', 'rsa:2048')
        : ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1');
}

# ca($name, %opt): a certificate that signs others; by => NAME: one below that.
sub ca {
    my ($pki, $name, %opt) = @_;

    return $pki->issue($name, subject => "/O=Weir/CN=$name", is_ca => 1, %opt);
}

# issue($name, by => CA, subject => '/CN=...', names => [...], kind => 'rsa',
#       from => 'YYYYMMDDHHMMSSZ', until => the same, is_ca => 1,
#       responder => URL of an OCSP responder, must_staple => 1,
#       comment => text, which may be long)
# writes NAME.pem and NAME.key.  Without by it is signed by itself.
sub issue {
    my ($pki, $name, %opt) = @_;
    my $base = $pki->path($name);
    my $ca = $pki->path($opt{by} // $name);
    my @names = @{ $opt{names} // ["$name.test"] };
    my $ext = $opt{is_ca}
        ? "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign\n"
        : "basicConstraints=CA:FALSE\nsubjectAltName="
            . join(',', map { /^[\d.]+$/ ? "IP:$_" : "DNS:$_" } @names) . "\n";
    $ext .= "authorityInfoAccess=OCSP;URI:$opt{responder}\n" if $opt{responder};
    $ext .= "tlsfeature=status_request\n" if $opt{must_staple};
    $ext .= "nsComment=$opt{comment}\n" if $opt{comment};

    openssl('req', '-new', key_args($opt{kind} // 'ec'), '-nodes',
            '-keyout', "$base.key", '-out', "$base.csr",
            '-subj', $opt{subject} // "/CN=$names[0]");
    $pki->write("$name.ext", $ext);
    $pki->sign($name, $ca, %opt);
    unlink "$base.csr", "$base.ext";
    return "$base.pem";
}

# By the ca command, which takes dates.
sub sign {
    my ($pki, $name, $ca, %opt) = @_;
    my $base = $pki->path($name);
    my @self = $opt{by} ? ('-cert', "$ca.pem") : ('-selfsign');

    $pki->configure;
    openssl('ca', '-batch', '-notext', '-config', $pki->path('ca.cnf'),
            '-in', "$base.csr", '-out', "$base.pem", @self,
            '-keyfile', "$ca.key", '-extfile', "$base.ext",
            '-startdate', $opt{from} // '20200101000000Z',
            '-enddate', $opt{until} // '20491231235959Z');
}

sub configure {
    my ($pki) = @_;
    my $dir = $pki->{dir};

    return if -e "$dir/ca.cnf";
    $pki->write('index.txt', '');
    $pki->write('index.txt.attr', "unique_subject = no\n");
    $pki->write('serial', "1000\n");
    $pki->write('crlnumber', "01\n");
    $pki->write('ca.cnf', <<"EOC");
[ca]
default_ca = own
[own]
dir = $dir
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 3650
default_crl_days = 3650
policy = any
email_in_dn = no
[any]
organizationName = optional
commonName = supplied
EOC
}

# revoke($name, by => CA), and crl($ca): writes CA.crl.
sub revoke {
    my ($pki, $name, %opt) = @_;
    my $ca = $pki->path($opt{by});

    openssl('ca', '-config', $pki->path('ca.cnf'), '-revoke',
            $pki->path("$name.pem"), '-cert', "$ca.pem", '-keyfile', "$ca.key");
}

# unrevoke($name): it was a mistake; forget($name): it was never issued.
sub unrevoke {
    my ($pki, $name) = @_;
    my $number = $pki->number($name);

    $pki->write('index.txt', $pki->read('index.txt')
        =~ s/^R\t(\S+)\t\S+\t(?=$number\t)/V\t$1\t\t/mr);
    return;
}

sub forget {
    my ($pki, $name) = @_;
    my $number = $pki->number($name);

    $pki->write('index.txt', $pki->read('index.txt') =~ s/^.*\t$number\t.*\n//mr);
    return;
}

sub number {
    my ($pki, $name) = @_;

    return openssl('x509', '-noout', '-serial', '-in', $pki->path("$name.pem")) =~ /=(\w+)/ ? $1 : die;
}

sub crl {
    my ($pki, $name) = @_;
    my $ca = $pki->path($name);

    openssl('ca', '-config', $pki->path('ca.cnf'), '-gencrl', '-out',
            "$ca.crl", '-cert', "$ca.pem", '-keyfile', "$ca.key");
    return "$ca.crl";
}

# write($name, $text) and read($name)
sub write {
    my ($pki, $name, $text) = @_;
    my $path = $pki->path($name);

    open my $out, '>', $path or die "$path: $!\n";
    print $out $text;
    close $out;
    return $path;
}

sub read {
    my ($pki, $name) = @_;

    open my $in, '<', $pki->path($name) or die "$name: $!\n";
    local $/;
    return scalar <$in>;
}

1;
