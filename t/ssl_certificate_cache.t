# SPDX-License-Identifier: BSD-2-Clause
#
# ssl_certificate_cache and proxy_ssl_certificate_cache: certificates whose names
# have variables stay for a while, and not more of them than are allowed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();
need_version('1.27.4');

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue($_, by => 'ca') for qw(one two);

# put($name, $from): one file with the certificate and its key.
sub put { $pki->write("$_[0].pem", $pki->read("$_[1].key") . $pki->read("$_[1].pem")) }
put($_, 'one') for qw(live a b brief shown);

my $conf = <<'EOC';
ssl_object_cache_inheritable on;
%%HTTP%%
    ssl_certificate %%TESTDIR%%/tls/$ssl_server_name.pem;
    ssl_certificate_key %%TESTDIR%%/tls/$ssl_server_name.pem;
    ssl_certificate_cache max=4 valid=1h inactive=1h;
    ssl_session_cache off;
    ssl_session_tickets off;
    map $ssl_server_name $nothing { default ""; }
    map $ssl_server_name $pem { default "%%PEM%%"; }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name live no;
        ssl_verify_client optional_no_ca;
        location / { return 200 "$ssl_client_s_dn\n"; }
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name a b;
        ssl_certificate_cache max=1 valid=1h;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name brief;
        ssl_certificate_cache max=10 valid=1s;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name data;
        ssl_certificate data:$pem;
        ssl_certificate_key data:$pem;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT_tls%% ssl;
        server_name uncached;
        ssl_certificate %%TESTDIR%%/tls/live.pem$nothing;
        ssl_certificate_key %%TESTDIR%%/tls/live.pem$nothing;
        ssl_certificate_cache off;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT_folders%% ssl;
        ssl_certificate %%TESTDIR%%/tls/$ssl_server_name/all.pem;
        ssl_certificate_key %%TESTDIR%%/tls/$ssl_server_name/all.pem;
        return 200 "";
    }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_ssl_certificate %%TESTDIR%%/tls/$arg_name.pem;
        proxy_ssl_certificate_key %%TESTDIR%%/tls/$arg_name.pem;
        proxy_ssl_server_name on;
        proxy_ssl_name live;
        proxy_ssl_session_reuse off;
        proxy_set_header Host live;
        location / { proxy_pass https://127.0.0.1:%%PORT_tls%%; }
        location /kept {
            proxy_ssl_certificate_cache max=2 valid=1h inactive=1h;
            proxy_pass https://127.0.0.1:%%PORT_tls%%;
        }
    }
}
EOC
my $pem = $pki->read('one.key') . $pki->read('one.pem');
$t->run($conf =~ s/%%PEM%%/$pem/r);
my $port = $t->port('tls');

sub subject {
    my ($name, $port) = (@_, $port);
    my $text = s_client($port, "GET / HTTP/1.0\r\nHost: $name\r\n\r\n", '-servername', $name);
    return $text =~ /^subject=.*CN = (\S+)/m ? $1 : 'none';
}
sub shown { return $t->get("$_[0]?name=shown")->body =~ /CN=(\S+)/ ? $1 : 'none' }

is subject('live'), 'one.test', 'a certificate, loaded by its name';
is subject('data'), 'one.test', 'or from a variable';
is subject($_), 'one.test', "another: $_" for qw(brief b a);
is subject('no'), 'none', 'one that there is not';
is subject('uncached'), 'one.test', 'one that is not kept';
is shown('/kept'), 'one.test', 'one that an upstream is shown';
is shown('/'), 'one.test', 'the same without a cache';

put($_, 'two') for qw(live a b brief no shown);
is subject('live'), 'one.test', 'its file has changed: it is kept';
is subject('a'), 'one.test', 'the last one, of one that may be kept';
is subject('b'), 'two.test', 'the one before that was not';
is subject('a'), 'two.test', 'and now the other is not';
is subject('no'), 'two.test', 'what there was not is not kept';
is subject('data'), 'one.test', 'what has no file';
is subject('uncached'), 'two.test', 'what is not kept';
is shown('/kept'), 'one.test', 'an upstream is shown what is kept';
is shown('/'), 'two.test', 'without a cache it is not';
sleep 2;
is subject('brief'), 'two.test', 'after the valid time, the file is looked at';
is subject('live'), 'one.test', 'not before';
put('live', 'one');
$t->reload;
put('live', 'two');
is subject('live'), 'two.test', 'a reload begins anew';
like $t->read('error.log'), qr{cannot load certificate "\Q@{[$pki->path('no.pem')]}\E"}, 'what there was not is logged';
unlike $t->read('error.log'), qr/PRIVATE|[A-Za-z0-9+\/]{60}/, 'no key is';

$t->mkdir('tls/site');
$pki->write($_, $pki->read('live.pem')) for qw(all.pem site/all.pem ../all.pem);
my $folders = $t->port('folders');
is subject('site', $folders), 'two.test', 'a name in the handshake is a folder';
is subject($_, $folders), 'none', "but not $_" for qw(. .. site/../site);

# ---- over reloads ------------------------------------------------------------

my $locked = Weir::Test->new;
my $own = Weir::TLS->new($locked);
$own->write("one.pem", $pki->read('one.pem'));
openssl(qw(ec -aes128 -passout pass:right -in), $pki->path('one.key'), '-out', $own->path('one.key'));
$own->write('password', "right\n");
sub inheritable { return <<"EOC" }
ssl_object_cache_inheritable $_[0];
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%% ssl;
        ssl_certificate %%TESTDIR%%/tls/one.pem;
        ssl_certificate_key %%TESTDIR%%/tls/one.key;
        ssl_password_file %%TESTDIR%%/tls/password;
        location / { return 200 "$_[0]\n"; }
    }
}
EOC
sub says { return (curl('https://one.test:' . $locked->port . '/'))[0] }
$locked->run(inheritable('on'));
is says(), "on\n", 'a key with a password';
$own->write('password', "wrong\n");
$locked->conf(inheritable('on') =~ s/"on/"still on/r);
$locked->reload;
is says(), "still on\n", 'which a reload does not read again';
$locked->conf(inheritable('off'));
$locked->signal('HUP');
ok wait_until(sub { $locked->read('error.log') =~ /cannot load certificate key/ }), 'unless it is told to';
is says(), "still on\n", 'what was read before stays';
$locked->expect_log(qr/cannot load certificate key/);

# ---- what is refused -----------------------------------------------------------

for my $row (
    ['max=0', 'invalid parameter "max=0"'],
    ['max=x', 'invalid parameter "max=x"'],
    ['min=1', 'invalid parameter "min=1"'],
    ['off max=1', 'invalid parameter "off"'],
    ['valid=x max=1', 'invalid parameter "valid=x"'],
    ['valid=1', '"ssl_certificate_cache" must have the "max" parameter'],
    ['off; ssl_certificate_cache off', '"ssl_certificate_cache" directive is duplicate'],
) {
    is conf_test("events {}\nhttp { ssl_certificate_cache $row->[0]; }\n")->{first}, "$row->[1] in F:2", $row->[0];
}
is conf_test("events {}\nhttp { proxy_ssl_certificate_cache inactive=1; }\n")->{first},
    '"proxy_ssl_certificate_cache" must have the "max" parameter in F:2', 'of upstreams';
is conf_test("events {}\nhttp { uwsgi_ssl_certificate_cache max=1; ssl_object_cache_inheritable off; }\n")->{first},
    '"ssl_object_cache_inheritable" directive is not allowed here in F:2', 'another prefix; and a place';
$t->expect_log(qr/cannot load certificate/);
done_testing;
