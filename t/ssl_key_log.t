# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_key_log and proxy_ssl_key_log: the secrets of connections, for nobody but
# the owner of the file, which is reopened as other logs are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();
need_version('1.27.2');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue('a');
$t->write('old.log', "# before\n");
chmod 0644, $t->path('old.log');
my $conf = <<'EOC';
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    ssl_key_log %%TESTDIR%%/keys.log;
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a;
        location / { return 200 "WORD\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name b;
        ssl_key_log %%TESTDIR%%/b.log;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT_quiet%% ssl;
        ssl_key_log old.log;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_ssl_session_reuse off;
        location / { proxy_pass https://127.0.0.1:%%PORT_quiet%%; }
        location /logged {
            proxy_ssl_key_log %%TESTDIR%%/up.log;
            proxy_pass https://127.0.0.1:%%PORT_quiet%%;
        }
    }
}
EOC
$t->run($conf =~ s/WORD/one/r);

# secrets($name): the client's random numbers that stand in a log.
sub secrets {
    my ($name) = @_;
    return -e $t->path($name) ? $t->read($name) =~ /^CLIENT_TRAFFIC_SECRET_0 ([0-9a-f]{64}) [0-9a-f]{64,96}$/gm : ();
}

# ask($name, @args): connects, with a key log of the client's own.
sub ask {
    my ($name, @args) = @_;
    unlink $t->path('client.log');
    return s_client($t->port('tls'), "GET / HTTP/1.0\r\nHost: $name\r\n\r\n", '-servername', $name,
                    '-keylogfile', $t->path('client.log'), @args);
}

sub lines { return join '', sort grep { !/^#/ } map { "$_\n" } split /\n/, $t->read($_[0]) }

ask('a');
my $first = lines('keys.log');
is $first, lines('client.log'), 'what the server writes is what the client has';
is scalar(secrets('keys.log')), 1, 'one connection';
is((stat $t->path('keys.log'))[2] & 0777, 0600, 'nobody else may read it');
ask('b');
is lines('b.log'), lines('client.log'), 'a server with a file of its own';
is lines('keys.log'), $first, 'which is not in that of others';
ask('a', '-tls1_2');
like $t->read('keys.log'), qr/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/m, 'TLS 1.2';

is $t->get('/')->status, 200, 'an upstream without a log';
my @at_server = secrets('old.log');
is scalar(@at_server), 1, 'whose server has one, relative to the prefix';
like $t->read('old.log'), qr/^# before$/m, 'the file was there';
is((stat $t->path('old.log'))[2] & 0777, 0600, 'and readable') if !is_oracle();
is_deeply [secrets('up.log')], [], 'the log of another location';
is $t->get('/logged')->status, 200, 'an upstream with one';
is_deeply [secrets('up.log')], [(secrets('old.log'))[1]], 'both sides have the same secrets';
is((stat $t->path('up.log'))[2] & 0777, 0600, 'nobody else may read it');

rename $t->path('keys.log'), $t->path('keys.old') or die "$!\n";
$t->signal('USR1');
ok wait_until(sub { -e $t->path('keys.log') }), 'reopened';
wait_until(sub { ask('a'); secrets('keys.log') });
is((secrets('keys.log'))[-1], (secrets('client.log'))[-1], 'and written to');
is((stat $t->path('keys.log'))[2] & 0777, 0600, 'nobody else may read the new one');

$t->conf($conf =~ s/WORD/two/r);
$t->reload;
my $before = secrets('keys.log');
like ask('a'), qr/^two$/m, 'after a reload';
is scalar(my @now = secrets('keys.log')), $before + 1, 'it goes on';
$t->conf($conf =~ s/WORD/three/r =~ s/ssl_key_log \S+keys.log;//r);
$t->reload;
like ask('a'), qr/^three$/m, 'without it';
is scalar(@now = secrets('keys.log')), $before + 1, 'it ends';
unlike $t->read('error.log'), qr/TRAFFIC_SECRET/, 'nothing in the error log';

is conf_test("events {}\nhttp { ssl_key_log a; ssl_key_log b; }\n")->{first},
    '"ssl_key_log" directive is duplicate in F:2', 'twice';
done_testing;
