# SPDX-License-Identifier: BSD-2-Clause
#
# A private key is shown nowhere: not in a log, not in a message, not by a command,
# not in a file that others can read.

use strict;
use warnings;

use File::Find ();
use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();
need_version('1.15.10');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue($_) for qw(a b);
$pki->issue('old', kind => 'rsa');
openssl('rsa', '-traditional', '-in', $pki->path('old.key'), '-out', $pki->path('rsa.key'));
chmod 0600, map { $pki->path("$_.key") } qw(a b old rsa);
$t->write('password', "between lines\n");

# The lines of all keys, without those that frame them.
# What is also in the certificates is no secret.
my $public = join '', map { $pki->read("$_.pem") } qw(a b old);
my @lines = grep { length > 30 && !/-----/ && index($public, substr $_, 0, 24) < 0 }
    map { split /\n/, $pki->read("$_.key") } qw(a b old rsa);
cmp_ok scalar @lines, '>', 50, 'lines of keys';

# shows($text): lines of keys in there, also where the lines are cut or escaped.
sub shows {
    my ($text) = @_;
    return join ' ', grep { index($text, substr $_, 0, 24) >= 0 } @lines;
}

my %pem = map { $_ => $pki->read("$_.pem") } qw(a b old);
my %key = map { $_ => $pki->read("$_.key") } qw(a b old rsa);
my $conf = <<"EOC";
worker_processes 2;
%%HTTP%%
    error_log %%TESTDIR%%/debug.log debug;
    map \$ssl_server_name \$key { default "$key{a}"; }
    map \$uri \$of_uri { default "$key{b}"; }
    access_log %%TESTDIR%%/access.log;
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name data;
        ssl_certificate "data:$pem{a}";
        ssl_certificate_key "data:$key{a}";
        ssl_certificate "data:$pem{old}";
        ssl_certificate_key "data:$key{rsa}";
        location / { return 200 "data\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name variable;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key data:\$key;
        location / { return 200 "variable\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name bare;
        ssl_certificate %%TESTDIR%%/tls/a.pem;
        ssl_certificate_key \$key;
        location / { return 200 "bare\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name other;
        ssl_certificate %%TESTDIR%%/tls/b.pem;
        ssl_certificate_key data:\$key;
        location / { return 200 "other\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name file;
        ssl_certificate %%TESTDIR%%/tls/b.pem;
        ssl_certificate_key %%TESTDIR%%/tls/b.key;
        ssl_password_file %%TESTDIR%%/password;
        location / { return 200 "file\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_ssl_certificate %%TESTDIR%%/tls/b.pem;
        proxy_ssl_name data;
        proxy_ssl_server_name on;
        proxy_set_header Host data;
        location / {
            set \$own "$key{b}";
            proxy_ssl_certificate_key data:\$own;
            proxy_pass https://127.0.0.1:%%PORT_tls%%;
        }
        location /bad {
            proxy_ssl_certificate_key \$of_uri;
            proxy_pass https://127.0.0.1:%%PORT_tls%%;
        }
    }
}
EOC
$t->run($conf);

sub answer {
    my ($name) = @_;
    my $text = s_client($t->port('tls'), "GET / HTTP/1.0\r\nHost: $name\r\n\r\n", '-servername', $name);
    return $text =~ /\r\n\r\n(\w+)/ ? $1 : '';
}
is answer($_), $_, "$_: a handshake" for qw(data variable file);
is answer($_), '', "$_: none" for qw(bare other);
is $t->get('/')->status, 200, 'an upstream';
is $t->get('/bad')->status, 500, 'which is not shown any';
if (!is_oracle()) {
    $pki->write('b.key', $pki->read('a.key'));
    ok wait_until(sub { $t->read('error.log') =~ /cannot be used/ }), 'a key that does not fit its file';
    $pki->write('b.key', $key{b});
    like $t->read('debug.log'), qr/cannot load certificate key "PEM without "data:""/, 'what is missing is said';
}
$t->reload;
my $dir = $t->dir;
my @readable;
File::Find::find({ no_chdir => 1, wanted => sub {
    my @st = lstat;
    push @readable, $_ if -f _ && $st[2] & 0044 && !/nginx\.conf$/ && shows(Weir::Test::slurp($_)) ne '';
} }, $dir);
is "@readable", '', 'no file that others can read has a key' if !is_oracle();

# ---- commands ------------------------------------------------------------------

my $file = "$dir/nginx.conf";
for my $args (['-T'], ['-t', '--lint'], ['-t', '--json']) {
    next if is_oracle() && @$args > 1;
    # -T prints the configuration as it stands, so it must not be that one.
    my $r = conf_test(<<"EOC", args => $args);
events {}
http { server { listen 127.0.0.1:%%PORT%% ssl; ssl_certificate $dir/tls/a.pem; ssl_certificate_key $dir/tls/a.key; } }
EOC
    is shows($r->{out} . $r->{err}), '', "@$args" if ok $r->{code} == 0, "@$args: done";
}
SKIP: {
    skip 'commands of weir', 6 if is_oracle();
    for my $command (
        ['doc', '-c', $file, 'ssl_certificate_key'], ['doc', '-c', $file, 'proxy_ssl_certificate_key'],
        ['doc', '-c', $file, '--json', 'ssl_certificate_key'], ['doc', '-c', $file, 'set'],
        ['explain', '-c', $file, '--full', "http://127.0.0.1:" . $t->port . '/'],
        ['status', '-c', $file],
    ) {
        my ($code, $out, $err) = run_binary({ dir => $dir }, @$command);
        is shows($out . $err), '', "@$command";
    }
}

# ---- messages ------------------------------------------------------------------

sub server { return "events {}\nhttp { server { listen 127.0.0.1:%%PORT%% ssl; $_[0] } }\n" }
my $good = "ssl_certificate $dir/tls/a.pem; ssl_certificate_key";
my %bad = (
    'the key of another' => "$good 'data:$key{b}';",
    'a broken one' => "$good 'data:@{[$key{a} =~ s/END/EDN/r]}';",
    'no data:' => "$good '$key{a}';",
    'two' => "$good 'data:$key{a}' 'data:$key{b}';",
    'no semicolon' => "$good 'data:$key{a}' ssl_protocols TLSv1.2;",
    'another word' => "ssl_certificate_keys 'data:$key{a}';",
    'no quotes' => "$good data:$key{a};",
    'one that is open' => "$good 'data:$key{a};",
    'no certificate' => "ssl_certificate 'data:$key{a}'; $good 'data:$key{a}';",
    'no key' => "ssl_certificate 'data:$pem{a}$key{a}';",
);
for my $name (sort keys %bad) {
    my $r = conf_test(server($bad{$name}), is_oracle() ? () : (args => ['--lint']));
    ok $r->{code} != 0, "$name: refused";
    is shows($r->{err}), '', "$name: not shown" if !is_oracle(); # nginx does
}
unlike join('', map { $t->read($_) } qw(error.log)), qr/between lines/, 'nor is the password';
for my $log (qw(error.log debug.log access.log)) {
    is shows($t->read($log)), '', $log if !is_oracle();
}
$t->expect_log(qr/cannot load certificate/, qr/cannot be used/, qr/key values mismatch/);
done_testing;
