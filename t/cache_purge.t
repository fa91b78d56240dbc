# SPDX-License-Identifier: BSD-2-Clause
#
# Purging what a cache has: as the module ngx_http_cache_purge_module does (the
# one of Debian is the oracle, with SCGI: its layout of proxy's settings is not
# that of nginx 1.22.1, where it crashes).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::Test;

need_module('http_scgi');

my $module = '/usr/lib/nginx/modules/ngx_http_cache_purge_module.so';
plan skip_all => 'no ngx_http_cache_purge_module' if is_oracle() && !-f $module;

my $scgi = Weir::Backend->tcp(sub {
    my ($c) = @_;
    my ($n) = ($c->read_until(qr/^\d+:/) // return) =~ /(\d+)/;
    my $text = $c->read_until(qr/\A.{$n},/s) // return;
    my %p = split /\0/, $text =~ s/\0,\z//r, -1;
    my $vary = $p{REQUEST_URI} =~ /vary/ ? "Vary: X-Kind\r\n" : '';

    $c->send("Status: 200 OK\r\n${vary}Content-Type: text/plain\r\n\r\n"
             . "$p{REQUEST_METHOD} $p{REQUEST_URI} " . ($p{HTTP_X_KIND} // '-'));
});
my $up = $scgi->port;

my $load = is_oracle() ? "load_module $module;" : '';
my $own = is_oracle() ? '' : <<"EOC";
location /soft { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge \$http_x_purge; scgi_cache_purge_tag \$http_x_tag;
            scgi_cache_purge_soft 1; }
        location /all { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge PURGE purge_all; }
EOC
my $t = Weir::Test->new;
$t->mkdir('c');
$t->run(<<"EOC");
$load
%%HTTP%%
    scgi_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    scgi_cache_key \$uri;
    scgi_cache_valid 1h;
    scgi_param REQUEST_URI \$request_uri;
    scgi_param REQUEST_METHOD \$request_method;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge PURGE from 127.0.0.1 ::1; }
        location /far { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge PURGE from 127.0.0.2; }
        location /any { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge DELETE from all; }
        location /on { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge on; }
        location /off { scgi_pass 127.0.0.1:$up; scgi_cache one;
            scgi_cache_purge off; }
        location /none { scgi_pass 127.0.0.1:$up;
            scgi_cache_purge PURGE from all; }
        $own
        location ~ ^/purge(/.*) { allow 127.0.0.1; deny all;
            scgi_cache_purge one \$1; }
        location ~ ^/denied(/.*) { deny all; scgi_cache_purge one \$1; }
    }
}
EOC

sub asked {
    my $r = $t->get(@_);
    return join ' ', $r->status, $r->header('X-Cache') // '-', $r->body;
}

sub file {
    my $name = md5_hex($_[0]);
    return $t->path('c/one/' . substr($name, -1) . '/' . substr($name, -3, 2)
                    . "/$name");
}

# fill($uri, ...): it is stored
sub fill {
    my ($uri) = @_;

    $t->get($uri);
    return wait_until(sub { -f file($uri) });
}


subtest 'in the location' => sub {
    fill('/a');
    like asked('/a'), qr/^200 HIT GET/, 'stored';
    my $r = $t->request('PURGE', '/a');
    is $r->status, 200, 'purged';
    is $r->header('Content-Type'), 'text/html', 'a page';
    my $path = file('/a');
    like $r->body, qr{\A<html>\r\n<head><title>Successful\ purge</title></head>\r\n
        <body\ bgcolor="white">\r\n<center><h1>Successful\ purge</h1>\r\n
        <br>Key\ :\ /a\r\n<br>Path:\ \Q$path\E\r\n</center>\r\n}x, 'that says so';
    ok !-f $path, 'the file has gone';
    is $t->request('PURGE', '/a')->status, 404, 'there is nothing any more';
    like asked('/a'), qr/^200 MISS/, 'asked for anew';

    fill('/far');
    is $t->request('PURGE', '/far')->status, 403, 'from elsewhere';
    like asked('/far'), qr/^200 HIT/, 'still there';
    fill('/any');
    is $t->request('DELETE', '/any')->status, 200, 'another method';
    fill('/on');
    is $t->request('PURGE', '/on')->status, 200, 'on';
    fill('/off');
    like $t->request('PURGE', '/off')->body, qr/^PURGE/, 'off: passed on';
    is $t->request('PURGE', '/none')->status, 404, 'without a cache';
    like $t->request('DELETE', '/a')->body, qr/^DELETE/, 'other methods are passed on';
};

subtest 'in a location of its own' => sub {
    fill('/b');
    my $r = $t->get('/purge/b');
    is $r->status, 200, 'purged';
    like $r->body, qr{Key : /b\r\n}, 'a page';
    is $t->get('/purge/b')->status, 404, 'not there';
    fill('/b');
    is $t->head('/purge/b')->status, 200, 'with HEAD';
    fill('/b');
    is $t->post('/purge/b', 'x')->status, 200, 'with POST';
    fill('/b');
    is $t->get('/denied/b')->status, 403, 'access rules hold';
    like asked('/b'), qr/^200 HIT/, 'so it is there';
};

subtest 'variants' => sub {
    plan skip_all => 'the other variant stays in nginx' if is_oracle();
    for my $kind (qw(a b)) {
        asked('/vary', headers => ["X-Kind" => $kind]);
        wait_until(sub { asked('/vary', headers => ["X-Kind" => $kind]) =~ /HIT/ });
    }
    is $t->request('PURGE', '/vary')->status, 200, 'purged';
    like asked('/vary', headers => ["X-Kind" => $_]), qr/^200 MISS GET .vary $_$/,
        "variant $_ has gone" for qw(a b);
};

subtest 'explained' => sub {
    plan skip_all => 'nginx explains nothing' if is_oracle();
    my $explained = sub {
        my ($what, @more) = @_;
        my $url = 'http://127.0.0.1:' . $t->port;
        $what =~ s{(?=/)}{$url};
        return (run_binary({ dir => $t->dir }, 'explain', $what, @more, '-c',
            $t->path('nginx.conf'), '-p', $t->dir))[1];
    };
    my $place = qr/\s+nginx\.conf:\d+$/m;

    fill('/e');
    my $out = $explained->('PURGE /e');
    like $out, qr/\s+zone one$/m, 'the zone';
    like $out, qr/^\s+purges key \/e$place/m, 'a key';
    like $out, qr/\b200\b/, '... that is there';
    ok -f file('/e'), '... and remains';
    $out = $explained->('PURGE /absent');
    like $out, qr/^\s+purges key \/absent \(it is not there\)$place/m, 'no such key';
    like $out, qr/\b404\b/, '... so the answer is 404';
    like $explained->('PURGE /e*'), qr/^\s+purges keys \/e\*$place/m, 'all that begin so';
    like $explained->('/e'), qr/\s+does not purge the method is not PURGE$place/m, 'GET';
    $out = $explained->('PURGE /far');
    like $out, qr/\s+refuses to purge 403 \("from" does not have the client\)$place/m,
        'from elsewhere';
    like $explained->('PURGE /far', '--from', '127.0.0.2'),
        qr/^\s+purges key \/far$place/m, 'from there';
    $out = $explained->('/purge/e');
    like $out, qr/^\s+purges key \/e$place/m, 'a location of its own';
    ok -f file('/e'), '... leaves it';
    unlike $explained->('/denied/e'), qr/purges/, 'which access rules forbid';
    like $explained->('/soft/e', '-H', 'X-Purge: 1', '-H', 'X-Tag: a b'),
        qr/^\s+purges tags a b \(softly: [^)]*\)$place/m, 'tags, softly';
    like $explained->('/soft/e'), qr/\s+does not purge none of the conditions is true$place/m,
        'a condition';
    like $explained->('PURGE /all'), qr/^\s+purges everything$place/m, 'everything';
};

subtest 'configurations' => sub {
    my @table = (
        'scgi_cache_purge on from all;' => undef,
        'scgi_cache_purge PURGE from 127.0.0.0/8 ::1;' => undef,
        'scgi_cache_purge PURGE from x;' => qr/invalid parameter "x"/,
        'scgi_cache_purge PURGE foo bar;' =>
            qr/invalid parameter "foo", expected "from" keyword/,
        'scgi_cache_purge nope a;' => qr/"scgi_cache" zone "nope" is unknown|zero size shared memory zone "nope"/,
        'scgi_cache_purge PURGE; scgi_cache_purge PURGE;' =>
            qr/"scgi_cache_purge" directive is duplicate/,
    );
    while (my ($text, $error) = splice @table, 0, 2) {
        my $r = conf_test(<<"EOC");
$load
%%GLOBALS%%
events {}
http { %%GLOBALS_HTTP%%
scgi_cache_path %%TESTDIR%%/c keys_zone=one:1m;
server { location / { $text } } }
EOC
        is $r->{code}, defined $error ? 1 : 0, $text;
        like $r->{err}, $error, 'and why' if defined $error;
    }
};

done_testing;
